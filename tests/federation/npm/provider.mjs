// An OpenID provider for tests. OIDC (JSON) has its port and its client; PUT /people sets whom it knows.
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const { port, client } = JSON.parse(process.env.OIDC)
let people = {}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client],
  cookies: { keys: ['for tests only'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  acrValues: ['phr'],
  features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
  pkce: { required: () => true },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
  findAccount: (_, id) => id in people ? { accountId: id, claims: () => ({ sub: id, ...people[id] }) } : undefined,
})

async function interact(request, response) {
  const { params, prompt, grantId } = await provider.interactionDetails(request, response)
  const query = new URL(request.url, provider.issuer).searchParams
  if (prompt.name === 'login') {
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
  if (request.url.startsWith('/interaction/')) {
    return interact(request, response).catch((error) => response.writeHead(500).end(String(error)))
  }
  return provider.callback()(request, response)
}).listen(port, '127.0.0.1', () => console.log('ready'))
