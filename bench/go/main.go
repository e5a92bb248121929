// The least that a check can be in Go: an HMAC of the key, a look into a map, and headers about the caller.
//
//	main PORT FILE: the file holds a key a line.
package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
)

var pepper = make([]byte, 32)

type caller struct{ subject, credential, scopes string }

func digest(key string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte(key))
	var sum [sha256.Size]byte
	mac.Sum(sum[:0])
	return sum
}

func read(file string) map[[sha256.Size]byte]caller {
	callers := map[[sha256.Size]byte]caller{}
	keys, err := os.Open(file)
	if err != nil {
		panic(err)
	}
	defer keys.Close()
	for lines := bufio.NewScanner(keys); lines.Scan(); {
		number := len(callers)
		callers[digest(lines.Text())] = caller{
			fmt.Sprintf("00000000-0000-0000-0000-%012d", number), fmt.Sprintf("key:%d", number), "services:read",
		}
	}
	return callers
}

func main() {
	callers := read(os.Args[2])
	http.HandleFunc("/gateway/check", func(answer http.ResponseWriter, request *http.Request) {
		found, known := callers[digest(request.Header.Get("X-API-Key"))]
		if !known {
			answer.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer.Header().Set("X-Auth-Subject", found.subject)
		answer.Header().Set("X-Auth-Credential", found.credential)
		answer.Header().Set("X-Auth-Scopes", found.scopes)
	})
	fmt.Println("http://127.0.0.1:" + os.Args[1] + "/ready")
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
