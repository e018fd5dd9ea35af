import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

/** A page, with the problems that its browser reported: errors, blocked content, requests to other servers. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    const { origin } = new URL(request.url())
    if (/^https?:/.test(origin) && origin !== new URL(url).origin) complaints.push(request.url())
  })
  await page.goto(url)
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() }
}

/** The settings on screen, read from the code for Python. */
export async function settingsOn(page: Page): Promise<Record<string, unknown>> {
  await page.getByRole('radio', { name: 'Python' }).check()
  const snippet = page.locator('#snippet', { hasText: 'urllib' })
  const text = (await snippet.textContent())!
  const [, body] = /request = \{\n([\s\S]*?)\n\}\n/.exec(text)!
  const fields = body!
    .split('\n')
    .map((line) => line.trim().replace(/,$/, ''))
    .filter((line) => !line.startsWith('"logits"'))
    .map((line) =>
      line
        .replace(/\bTrue\b/g, 'true')
        .replace(/\bFalse\b/g, 'false')
        .replace(/\bNone\b/g, 'null'),
    )
  return JSON.parse(`{${fields.join(',')}}`)
}

/** Watches the requests of a page about the row under its dial, and asks the server the same. */
export function askAgain(page: Page, server: string) {
  let last: Record<string, unknown> | undefined
  page.on('request', (request) => {
    if (!request.url().endsWith('/v1/sample')) return
    const body = request.postDataJSON()
    if (body.trace && !body.rows) last = body
  })
  return async (others: object = {}) => {
    const response = await fetch(`${server}/v1/sample`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...last, ...others, return_probabilities: 'all' }),
    })
    const answer = (await response.json()) as { results: Result[] }
    return { asked: last!, result: answer.results[0]! }
  }
}

interface Result {
  token_ids: number[]
  probabilities: number[]
  kept_count: number
  entropy: number
  seed: string
}

export interface ShownBar {
  id: number
  front: number | null
  behind: number
}

/** The bars of a chart as numbers. */
export function barsOn(page: Page, section: string): Promise<ShownBar[]> {
  return page.locator(`${section} .bars tbody tr[data-token]`).evaluateAll((rows) =>
    rows.map((row) => {
      const [front, behind] = Array.from(row.querySelectorAll('[data-value]'), (cell) =>
        cell.getAttribute('data-value'),
      )
      return {
        id: Number(row.getAttribute('data-token')),
        front: front ? Number(front) : null,
        behind: Number(behind),
      }
    }),
  )
}
