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

/** The request on screen, read from its curl command. */
export async function requestOn(page: Page): Promise<Record<string, unknown>> {
  const text = await page.locator('#snippet').textContent()
  const [, body] = /-d '(.*)'\n$/s.exec(text!)!
  return JSON.parse(body!.replaceAll("'\\''", "'"))
}

/** The answer of a server to a request, with all probabilities. */
export async function answerTo(server: string, request: object) {
  const response = await fetch(`${server}/v1/sample`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...request, return_probabilities: 'all', trace: true }),
  })
  const answer = (await response.json()) as { results: Result[] }
  return answer.results[0]!
}

interface Result {
  token_ids: number[]
  probabilities: number[]
  kept_count: number
  entropy: number
  seed: string
  step: number
  trace: { sampler: string; kept_after: number; mass_removed: number; threshold: number | null }[]
}

export interface ShownBar {
  id: number
  front: number | null
  behind: number
}

/** The bars of a chart as numbers. */
export function barsOn(page: Page, section: string): Promise<ShownBar[]> {
  return page.locator(`${section} .bars tbody tr`).evaluateAll((rows) =>
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
