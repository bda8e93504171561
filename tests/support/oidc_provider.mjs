// An OpenID Connect provider with a page to sign in: node oidc_provider.mjs <port> <callback>…
// It takes any name; the user is known to it by that name, and has an address that all share.
import Provider from 'oidc-provider';

const [port, ...callbacks] = process.argv.slice(2);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    {
      client_id: 'board',
      client_secret: 'a secret of the board and its provider',
      redirect_uris: callbacks,
      token_endpoint_auth_method: 'client_secret_post',
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username', 'given_name', 'family_name'], email: ['email', 'email_verified'] },
  cookies: { keys: ['a key of this test alone'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      preferred_username: id,
      given_name: id[0].toUpperCase() + id.slice(1),
      family_name: 'Example',
      email: 'staff@example.org',
      email_verified: true,
    }),
  }),
});
provider.listen(Number(port), 'localhost');
