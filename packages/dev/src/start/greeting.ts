/** Somebody who can log in locally. */
export interface LocalUser {
  email: string
  role: string
}

/** What a newcomer needs to know of a running stack. */
export interface GreetingFacts {
  urls: readonly string[]
  /** The id of a published post. */
  postId: string
  users: readonly LocalUser[]
  password: string
}

/** What to try first, ready to be pasted into a shell. */
export function greeting({ urls, postId, users, password }: GreetingFacts): string {
  const [url = '', other] = urls
  const post = `${url}/api/content/${postId}`
  const json = `-H 'content-type: application/json'`
  const admin = users.find((user) => user.role === 'admin')?.email
  const editor = users.find((user) => user.role === 'editor')?.email ?? users[0]?.email ?? ''
  const width = Math.max(...users.map(({ email }) => email.length))
  return `
Try it, in another terminal:

  # The same post twice: from the database (or from KV, where a run before has left it), then from memory.
  curl -si ${post} | grep -i -e x-cache -e cache-status
  curl -si ${post} | grep -i -e x-cache -e cache-status
${other === undefined ? '' : before(`${other}/api/content/${postId}`)}
  # Log in as an editor and write. The answer carries a Cache-Bookmark.
  TOKEN=$(curl -s ${url}/auth/login ${json} \\
    -d '{"email":"${editor}","password":"${password}"}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
  BOOKMARK=$(curl -si -X PUT ${post} -H "authorization: Bearer $TOKEN" ${json} \\
    -d '{"title":"Changed"}' | grep -i cache-bookmark | tr -d '\\r'); echo $BOOKMARK
${other === undefined ? again(post) : afterwards(`${other}/api/content/${postId}`)}${
  admin === undefined
    ? ''
    : `
The dashboard, in a browser (${admin}, ${password}): ${url}/admin/cache
`
}
Local users of a fresh database, all with the password ${password}:

${users.map(({ email, role }) => `  ${email.padEnd(width)}  ${role}`).join('\n')}
`
}

/** Has the other API Worker remember the post, or it would have nothing to answer with but the new one. */
function before(post: string): string {
  return `
  # And through the other API Worker, which has a memory of its own.
  curl -s ${post} | cut -c 1-200
`
}

/** The Worker that wrote has the new one in its memory. */
function again(post: string): string {
  return `
  # Read it again: it has the new title, and the next version.
  curl -s ${post} | cut -c 1-200
`
}

/** How the write is seen through the other API Worker. */
function afterwards(post: string): string {
  return `
  # Through the other API Worker: without the bookmark it may answer the older title for up to 5 seconds, with it the new one
  # at once.
  curl -s ${post} | cut -c 1-200
  curl -s ${post} -H "$BOOKMARK" | cut -c 1-200
`
}
