/** The HTTP front. */
export default {
  fetch(request) {
    const { pathname } = new URL(request.url)
    return pathname === '/health' ? Response.json({ status: 'ok' }) : new Response(null, { status: 404 })
  },
} satisfies ExportedHandler
