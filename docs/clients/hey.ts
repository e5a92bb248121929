// Log in, make a key, list keys with it, and revoke it: with a client of @hey-api/openapi-ts.

import { createClient } from "./hey/client/index.js";
import { createApiKey, listApiKeys, logIn, revokeApiKey } from "./hey/sdk.gen.js";

const baseUrl = process.argv[2];
const password = process.env.PASSWORD ?? "";
const totp_code = process.env.TOTP_CODE;

const body = { username: "admin", password, totp_code };
const login = await logIn({ client: createClient({ baseUrl }), body });
if (!login.data) throw new Error(login.error.detail);
const person = createClient({ baseUrl, auth: login.data.access_token });

const made = await createApiKey({ client: person, body: { name: "Report", scopes: ["keys:read"] } });
if (!made.data?.key) throw new Error(made.error?.detail);
const program = createClient({ baseUrl, auth: made.data.key });

const page = await listApiKeys({ client: program, query: { status: "active" } });
if (!page.data) throw new Error(page.error.detail);
console.log("listed:", page.data.results.map((each) => `${each.name} is ${each.status}`).join(" "));

const revoked = await revokeApiKey({ client: person, path: { id: made.data.id } });
console.log("revoked:", revoked.response?.status);

const refused = await listApiKeys({ client: program });
console.log("then:", refused.response?.status, refused.error?.code);
