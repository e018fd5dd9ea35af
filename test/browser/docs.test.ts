import { networkInterfaces } from 'node:os'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Server, startServer } from '../server.ts'
import { hasBrowser, launch } from './browser.ts'
import { visit } from './visit.ts'

const artefacts = new URL('../artefacts/', import.meta.url).pathname

/** This machine under a name that is not localhost, which browsers treat apart. */
const address =
  Object.values(networkInterfaces())
    .flat()
    .find((face) => face && !face.internal && face.family === 'IPv4')?.address ?? '127.0.0.2'

describe.runIf(hasBrowser)('Swagger UI', () => {
  let server: Server
  let browser: Browser
  beforeAll(async () => {
    server = await startServer({ HOST: '0.0.0.0' })
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  it.each(['127.0.0.1', address])('tries the examples out on http://%s', async (host) => {
    const { port } = new URL(server.url)
    await using visited = await visit(browser, `http://${host}:${port}/docs`)
    const { page, complaints } = visited
    expect(await page.title()).toBe('Kelvin · API')

    for (const operation of ['sample', 'probabilities']) {
      const block = page.locator(`#operations-sampling-${operation}`)
      await block.locator('.opblock-summary-control').click()
      await block.locator('button.execute').click()
      const live = block.locator('.live-responses-table')
      await live.waitFor()
      expect(await live.locator('.response-col_status').last().textContent()).toContain('200')
      expect(await live.locator('.response-col_description').last().textContent()).toContain(
        'kept_count',
      )
    }
    // It is a part of the playground's product, and leads back to it.
    const colour = (selector: string) =>
      page.locator(selector).evaluate((element) => getComputedStyle(element).backgroundColor)
    expect(await colour('.topbar')).toBe(await colour('body'))
    await page.locator('.topbar a.link[href="/"]').waitFor()
    await page.evaluate('scrollTo(0, 0)')
    await page.screenshot({ path: `${artefacts}docs-${host}.png` })
    expect(complaints).toEqual([])
  })
})
