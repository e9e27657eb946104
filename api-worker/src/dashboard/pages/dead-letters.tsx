import * as v from 'valibot'
import { Act, Ask, Empty, Facts, Notice, Pager, Panel, Table, Time, Trouble } from '../components.tsx'
import { bytes, count, counted, pretty } from '../format.ts'
import { type PageContent, type PageContext, POLL } from '../page.tsx'
import { UI_PATH, withQuery } from '../paths.ts'

export const DEAD_LETTERS_PATH = `${UI_PATH}/dead-letters`

const letter = {
  id: v.string(),
  queue: v.string(),
  reason: v.string(),
  attempts: v.number(),
  firstSeenAt: v.string(),
  lastSeenAt: v.string(),
}
const Letters = v.object({
  items: v.array(v.object({ ...letter, excerpt: v.string(), bytes: v.number() })),
  next: v.nullish(v.string(), null),
  total: v.optional(v.number(), 0),
})
const Letter = v.object({ ...letter, body: v.unknown() })

/** Where one dead letter is shown, and what can be done with it. */
const pathOf = (id: string) => `${DEAD_LETTERS_PATH}/${encodeURIComponent(id)}`

export async function deadLettersPage({ c, inner, now }: PageContext): Promise<PageContent> {
  const cursor = c.req.query('cursor')
  const answer = await inner.get(c, withQuery('/dead-letters', { limit: 20, cursor }), Letters)
  return {
    path: DEAD_LETTERS_PATH,
    title: 'Dead letters',
    says: 'Messages that no retry could help. Nothing is lost here until you discard it.',
    poll: cursor === undefined ? POLL.rows : 0,
    body: answer.ok ? (
      <Panel id="letters" title={counted(answer.data.total, 'dead letter')} live>
        {answer.data.items.length === 0 ? (
          <Empty title="No dead letters">
            A message that fails all its retries, or that nobody here understands, will be here with the
            reason.
          </Empty>
        ) : (
          <Table
            caption="Dead letters, the newest first"
            rows={answer.data.items}
            columns={[
              {
                title: 'Reason',
                isWide: true,
                of: ({ id, reason }) => <a href={pathOf(id)}>{reason}</a>,
              },
              { title: 'Queue', of: ({ queue }) => <span class="mono whole">{queue}</span> },
              { title: 'Message', of: ({ excerpt }) => <code>{shorten(excerpt)}</code> },
              { title: 'Size', isNumber: true, of: (one) => bytes(one.bytes) },
              { title: 'Attempts', isNumber: true, of: ({ attempts }) => count(attempts) },
              { title: 'Last seen', of: ({ lastSeenAt }) => <Time at={lastSeenAt} now={now} brief /> },
              { title: 'Do', of: ({ id }) => <Actions id={id} small /> },
            ]}
          />
        )}
        <Pager
          first={cursor === undefined ? null : DEAD_LETTERS_PATH}
          next={answer.data.next && withQuery(DEAD_LETTERS_PATH, { cursor: answer.data.next })}
        />
      </Panel>
    ) : (
      <Trouble refusal={answer} />
    ),
  }
}

export async function deadLetterPage({ c, inner, now }: PageContext, id: string): Promise<PageContent> {
  const answer = await inner.get(c, `/dead-letters/${encodeURIComponent(id)}`, Letter)
  return {
    path: DEAD_LETTERS_PATH,
    title: 'Dead letter',
    says: <a href={DEAD_LETTERS_PATH}>All dead letters</a>,
    body: answer.ok ? (
      <>
        <Panel id="letter" title={answer.data.reason}>
          <Facts
            facts={[
              ['Id', <span class="mono">{answer.data.id}</span>],
              ['Queue', <span class="mono">{answer.data.queue}</span>],
              ['Attempts', count(answer.data.attempts)],
              ['First seen', <Time at={answer.data.firstSeenAt} now={now} />],
              ['Last seen', <Time at={answer.data.lastSeenAt} now={now} />],
            ]}
          />
          <Actions id={id} />
        </Panel>
        <Panel id="letter-body" title="The whole message">
          <pre tabindex={0}>{pretty(answer.data.body)}</pre>
        </Panel>
      </>
    ) : answer.status === 404 ? (
      <Notice tone="warning">
        This dead letter is no more: it was replayed or discarded.{' '}
        <a href={DEAD_LETTERS_PATH}>Back to the others</a>
      </Notice>
    ) : (
      <Trouble refusal={answer} />
    ),
  }
}

function Actions({ id, small = false }: { id: string; small?: boolean }) {
  return (
    <div class="actions">
      <Act label="Replay" what={`dead letter ${id}`} action={`${pathOf(id)}/replay`} isPrimary={!small} />
      <Ask
        label="Discard…"
        what={`dead letter ${id}`}
        confirm="Discard it"
        action={`${pathOf(id)}/discard`}
        small={small}
      >
        The message is deleted for good. What it says was not done.
      </Ask>
    </div>
  )
}

function shorten(text: string): string {
  return text.length > 90 ? `${text.slice(0, 90)}…` : text
}
