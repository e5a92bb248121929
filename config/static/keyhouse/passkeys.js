// Passkeys: asks the browser what the form's data-asks says, and sends the answer with the form.
// Without this file, or without WebAuthn, the buttons stay hidden, and everything else works.
"use strict";

const toBytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));

const toText = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
        .replace(/\+/g, "-")
        .replace(/\//g, "_")
        .replace(/=+$/, "");

const credentials = (list) => list.map((each) => ({ ...each, id: toBytes(each.id) }));

function toSign(asked) {
    const known = { allowCredentials: credentials(asked.allowCredentials) };
    return { ...asked, ...known, challenge: toBytes(asked.challenge) };
}

function toMake(asked) {
    const user = { ...asked.user, id: toBytes(asked.user.id) };
    const known = { excludeCredentials: credentials(asked.excludeCredentials) };
    return { ...asked, ...known, user, challenge: toBytes(asked.challenge) };
}

// The answer as JSON, in the form of PublicKeyCredential.toJSON(), which older browsers lack.
function toJson(answer) {
    const response = {};
    const { response: given } = answer;
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
        if (given[name]) response[name] = toText(given[name]);
    }
    if (given.getTransports) response.transports = given.getTransports();
    return JSON.stringify({ id: answer.id, rawId: toText(answer.rawId), type: answer.type, response });
}

function send(form, answer) {
    form.elements.passkey.value = toJson(answer);
    form.submit();
}

let waiting = null; // what the browser offers among the suggestions of a field; only one request may wait

async function offer(form, asked) {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    waiting = new AbortController();
    const { signal } = waiting;
    try {
        send(form, await navigator.credentials.get({ publicKey: toSign(asked), mediation: "conditional", signal }));
    } catch {
        // The person typed instead, or pressed the button.
    }
}

function press(form, asked, alert) {
    const missing = form.querySelector("input[data-needed]:invalid");
    if (missing) {
        missing.reportValidity();
        return;
    }
    waiting?.abort();
    alert.hidden = true;
    const answer = asked.pubKeyCredParams
        ? navigator.credentials.create({ publicKey: toMake(asked) })
        : navigator.credentials.get({ publicKey: toSign(asked) });
    answer.then(
        (given) => send(form, given),
        () => {
            alert.hidden = false;
        },
    );
}

if (window.PublicKeyCredential) {
    for (const form of document.querySelectorAll("form[data-asks]")) {
        const asked = JSON.parse(form.dataset.asks);
        const part = form.querySelector("[data-passkey]");
        part.hidden = false;
        part.querySelector("button").addEventListener("click", () =>
            press(form, asked, part.querySelector("[role=alert]")),
        );
        if ("offers" in form.dataset) offer(form, asked);
    }
}
