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
