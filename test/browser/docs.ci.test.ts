import { networkInterfaces } from 'node:os'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Server, startServer } from '../server.ts'
import { hasBrowser, launch } from './browser.ts'
import { visit } from './visit.ts'

const artefacts = new URL('../artefacts/', import.meta.url).pathname

/** An address of this machine that is not localhost, because browsers trust localhost more. */
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

  it('lays out on a phone, and leads back to the playground', async () => {
    const phone = { viewport: { width: 375, height: 812 } }
    await using visited = await visit(browser, `${server.url}/docs`, phone)
    const { page, complaints } = visited
    const block = page.locator('#operations-sampling-sample')
    const width = () => page.evaluate(() => document.documentElement.scrollWidth)
    await block.waitFor()
    expect((await block.boundingBox())!.y).toBeLessThan(812)
    await block.locator('.opblock-summary-control').click()
    await block.locator('button.execute').waitFor()
    expect(await width()).toBe(375)
    await page.screenshot({ path: `${artefacts}docs-375.png` })
    await page.getByRole('link', { name: 'Playground', exact: true }).click()
    await page.locator('#temperature').waitFor()
    expect(complaints).toEqual([])
  })

  it('lets a person in with a key', async () => {
    const key = 'a-key-that-nobody-guesses'
    const closed = await startServer({ API_KEYS: key, DOCS_ACCESS: 'key' })
    try {
      await using visited = await visit(browser, `${closed.url}/docs`)
      const { page, complaints } = visited
      await page.getByLabel('API key').fill('another-key-of-that-kind')
      await page.keyboard.press('Enter')
      await expect.poll(() => page.textContent('[role="alert"]')).toContain('refused this key')
      await page.getByLabel('API key').fill(key)
      await page.keyboard.press('Enter')
      await page.locator('#operations-sampling-sample').waitFor()
      await page.goto(`${closed.url}/`)
      // The tab has the key already.
      await page.locator('#bars tbody tr').first().waitFor()
      expect(complaints.filter((text) => !/status of 401/.test(text))).toEqual([])
    } finally {
      await closed.stop()
    }
  })

  it('sends bytes with the fields of the query', async () => {
    await using visited = await visit(browser, `${server.url}/docs#/sampling/sample`)
    const { page, complaints } = visited
    const block = page.locator('#operations-sampling-sample')
    const type = block.locator('.opblock-section-request-body select.content-type')
    await type.selectOption('application/octet-stream')
    // A body of bytes has no other parameters, so those of the query are unfolded.
    await block.locator('.beside-body[open]').waitFor()
    await block.locator('[data-param-name="temperature"] input').fill('0')
    await block.locator('[data-param-name="logprob_token_ids"] button').click()
    await block.locator('[data-param-name="logprob_token_ids"] input').fill('1')
    const logits = Buffer.from(Float32Array.of(0, 3, 1).buffer)
    await block
      .locator('.opblock-section-request-body input[type="file"]')
      .setInputFiles({ name: 'row.f32', mimeType: 'application/octet-stream', buffer: logits })
    await block.locator('button.execute').click()
    const answer = block.locator('.live-responses-table .response-col_description').last()
    await answer.waitFor()
    const [, result] = /("results".*"step")/s.exec((await answer.textContent())!)!
    expect(result!.replaceAll(/\s/g, '')).toMatch(/"token_ids":\[1\].*"ranks":\[1\]/)
    expect(complaints).toEqual([])
  })

  it.each(['127.0.0.1', address])('executes the examples on http://%s', async (host) => {
    const { port } = new URL(server.url)
    await using visited = await visit(browser, `http://${host}:${port}/docs`)
    const { page, complaints } = visited
    expect(await page.title()).toBe('Kelvin · API')

    for (const operation of ['sample', 'probabilities']) {
      const block = page.locator(`#operations-sampling-${operation}`)
      await block.locator('.opblock-summary-control').click()
      await block.locator('button.execute').waitFor()
      // Without scrolling, one sees the editable example, the button, and one line for all other parameters.
      const places = await block.evaluate((element) => {
        const place = (selector: string) =>
          element.querySelector(selector)!.getBoundingClientRect().top -
          element.getBoundingClientRect().top
        return {
          body: place('.opblock-section-request-body textarea'),
          button: place('button.execute'),
          parameters: place('.beside-body summary'),
          answers: place('.responses-wrapper'),
        }
      })
      expect(places.body).toBeLessThan(450)
      expect(places.button).toBeGreaterThan(places.body)
      expect(places.parameters).toBeGreaterThan(places.button)
      expect(places.answers).toBeGreaterThan(places.parameters)
      expect(places.answers).toBeLessThan(800)
      expect(await block.locator('textarea').inputValue()).toContain('"logits"')
      expect(await block.locator('.beside-body').getAttribute('open')).toBeNull()
      expect(await block.locator('.beside-body summary').textContent()).toMatch(/^\d\d optional/)

      await block.locator('button.execute').click()
      const live = block.locator('.live-responses-table')
      await live.waitFor()
      expect(await live.locator('.response-col_status').last().textContent()).toContain('200')
      expect(await live.locator('.response-col_description').last().textContent()).toContain(
        'kept_count',
      )
    }
    // The page links back to the playground.
    const colour = (selector: string) =>
      page.locator(selector).evaluate((element) => getComputedStyle(element).backgroundColor)
    expect(await colour('.topbar')).toBe(await colour('body'))
    await page.locator('.topbar a.link[href="/"]').waitFor()
    await page.evaluate('scrollTo(0, 0)')
    await page.screenshot({ path: `${artefacts}docs-${host}.png` })
    expect(complaints).toEqual([])
  })
})
