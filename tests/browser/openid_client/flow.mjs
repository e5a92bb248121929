// An application that uses openid-client: it prints where to send the browser, waits for it at its redirect
// address, does with the code all that there is to do, and prints what came of it.

import { createServer } from "node:http";
import { once } from "node:events";
import * as client from "openid-client";

const [issuer, method, clientId, secret, redirectUri, scope] = process.argv.slice(2);
const authentication = {
  client_secret_basic: () => client.ClientSecretBasic(secret),
  client_secret_post: () => client.ClientSecretPost(secret),
  none: () => client.None(),
}[method]();

const say = (document) => console.log(JSON.stringify(document));

const config = await client.discovery(new URL(issuer), clientId, undefined, authentication, {
  execute: [client.allowInsecureRequests], // the server of the tests has no TLS
});
client.enableNonRepudiationChecks(config); // verify the signatures of ID tokens by the published keys

const listener = createServer().listen(Number(new URL(redirectUri).port), "127.0.0.1");
await once(listener, "listening");

const pkceCodeVerifier = client.randomPKCECodeVerifier();
const expectedState = client.randomState();
const expectedNonce = client.randomNonce();
const address = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
  state: expectedState,
  nonce: expectedNonce,
});
say({ address: address.href });

let [request, response] = await once(listener, "request");
while (new URL(request.url, redirectUri).pathname !== new URL(redirectUri).pathname) {
  response.writeHead(204).end(); // a browser's wish for an icon
  [request, response] = await once(listener, "request");
}
response.setHeader("Content-Type", "text/html; charset=utf-8");
response.setHeader("Connection", "close");
response.end('<!DOCTYPE html><html lang="en"><link rel="icon" href="data:,"><title>Back</title><p>Thank you.</p>');
listener.close();

const sentTo = new URL(request.url, redirectUri);
const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
const tokens = await client.authorizationCodeGrant(config, sentTo, checks);
const claims = tokens.claims();
const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
const newer = await client.refreshTokenGrant(config, tokens.refresh_token);
const isConfidential = method !== "none";
const described = isConfidential && (await client.tokenIntrospection(config, newer.access_token));
await client.tokenRevocation(config, newer.refresh_token);
const afterwards = isConfidential && (await client.tokenIntrospection(config, newer.access_token));

say({
  alg: JSON.parse(Buffer.from(tokens.id_token.split(".")[0], "base64url")).alg,
  claims,
  person,
  scope: tokens.scope,
  isRotated: newer.refresh_token !== tokens.refresh_token,
  described,
  afterwards,
});
