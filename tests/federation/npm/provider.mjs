// An OpenID provider for tests. OIDC (JSON) has its host, its port and its client; PUT /people sets whom it
// knows; GET /asked says how often its token endpoint was asked with each kind of grant.
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const { host, port, client } = JSON.parse(process.env.OIDC)
const HTML = { 'content-type': 'text/html' }
const PAGE = '<!doctype html><title>Provider</title><link rel="icon" href="data:,">'
const LOGIN = PAGE + '<form><label>Who? <input name="login"></label><button>Go on</button></form>'
const asked = {}
let people = {}

const provider = new Provider(`http://${host}:${port}`, {
  clients: [client],
  cookies: { keys: ['for tests only'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  acrValues: ['phr'],
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { logoutSource: (ctx, form) => { ctx.body = `${form}<button form="op.logoutForm" name="logout" value="yes">Log out</button>` } },
  },
  fetch: (url, { dispatcher, signal, ...options }) => fetch(url, options), // Keyhouse is on this machine, and may be slow
  rotateRefreshToken: true,
  pkce: { required: () => true },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
  findAccount: (_, id) => id in people ? { accountId: id, claims: () => ({ sub: id, ...people[id] }) } : undefined,
})

for (const event of ['grant.success', 'grant.error']) {
  provider.on(event, (ctx) => {
    const kind = ctx.oidc.params?.grant_type
    asked[kind] = (asked[kind] ?? 0) + 1
  })
}

async function interact(request, response) {
  const { params, prompt, grantId } = await provider.interactionDetails(request, response)
  const query = new URL(request.url, provider.issuer).searchParams
  if (prompt.name === 'login') {
    if (!query.has('login')) return response.writeHead(200, HTML).end(LOGIN)
    const login = { accountId: query.get('login'), acr: query.get('acr') ?? undefined, amr: query.getAll('amr') }
    return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false })
  }
  const { session } = await provider.interactionDetails(request, response)
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  grant.addOIDCScope(params.scope)
  const result = { consent: { grantId: await grant.save() } }
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
}

async function setPeople(request, response) {
  const parts = []
  for await (const part of request) parts.push(part)
  people = JSON.parse(Buffer.concat(parts).toString())
  response.writeHead(204).end()
}

createServer((request, response) => {
  if (request.method === 'PUT' && request.url === '/people') return setPeople(request, response)
  if (request.url.startsWith('/callback?')) return response.writeHead(200, HTML).end(PAGE) // of another client
  if (request.url === '/asked') return response.end(JSON.stringify(asked))
  if (request.url.startsWith('/interaction/')) {
    return interact(request, response).catch((error) => response.writeHead(500).end(String(error)))
  }
  return provider.callback()(request, response)
}).listen(port, '127.0.0.1', () => console.log('ready'))
