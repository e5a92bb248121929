// Log in, make a key, list keys with it, and revoke it: with the types of openapi-typescript, and openapi-fetch.

import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const baseUrl = process.argv[2];
const password = process.env.PASSWORD ?? "";
const totp_code = process.env.TOTP_CODE;

function withToken(token: string) {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
}

const login = await createClient<paths>({ baseUrl }).POST("/api/v1/auth/login", {
  body: { username: "admin", password, totp_code },
});
if (!login.data) throw new Error(login.error.detail);
const person = withToken(login.data.access_token);

const made = await person.POST("/api/v1/api-keys", { body: { name: "Report", scopes: ["keys:read"] } });
if (!made.data?.key) throw new Error(made.error?.detail);
const program = withToken(made.data.key);

const page = await program.GET("/api/v1/api-keys", { params: { query: { status: "active" } } });
if (!page.data) throw new Error(page.error.detail);
console.log("listed:", page.data.results.map((each) => `${each.name} is ${each.status}`).join(" "));

const revoked = await person.DELETE("/api/v1/api-keys/{id}", { params: { path: { id: made.data.id } } });
console.log("revoked:", revoked.response.status);

const refused = await program.GET("/api/v1/api-keys");
console.log("then:", refused.response.status, refused.error?.code);
