import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogue } from '../../src/request/catalogue.ts'
import { readRow } from '../golden/read.ts'
import { type Server, startServer } from '../server.ts'
import { hasBrowser, launch } from './browser.ts'
import { askAgain, barsOn, settingsOn, visit } from './visit.ts'

const artefacts = new URL('../artefacts/', import.meta.url).pathname
const inputs = fileURLToPath(new URL('../golden/inputs/', import.meta.url))
const examples = fileURLToPath(new URL('../../examples/', import.meta.url))

const wide = { viewport: { width: 1440, height: 900 } }
const phone = { viewport: { width: 375, height: 812 } }

const bars = '#bars tbody tr[data-token]'

/** What the model writes after the beginning of the page, at temperature 0. */
const TALE =
  'Once upon a time there was a king who had a daughter who was a queen, and a queen, and a queen, and a queen, and a queen, and a queen, and a queen, and her mother, and her'

describe.runIf(hasBrowser)('the playground', () => {
  let server: Server
  let browser: Browser
  beforeAll(async () => {
    server = await startServer()
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  interface Opened {
    page: Page
    /** Sends the request of the page again. */
    again: ReturnType<typeof askAgain>
  }

  /** Opens the page. Fails if the browser has reported a problem by the end. */
  async function onPage(
    work: (opened: Opened) => Promise<void>,
    { expected = /^$/, ...options }: BrowserContextOptions & { expected?: RegExp } = wide,
  ) {
    await using visited = await visit(browser, 'about:blank', options)
    const { page, complaints } = visited
    complaints.length = 0
    const again = askAgain(page, server.url)
    await page.goto(`${server.url}/`)
    await page.locator(bars).first().waitFor()
    await work({ page, again })
    const others = complaints.filter((text) => !expected.test(text) && !text.startsWith(server.url))
    expect(others).toEqual([])
  }

  /** Expects the numbers on screen to be the answer to the request that the page sent last. */
  async function expectAgreement({ page, again }: Opened) {
    await expect
      .poll(async () => {
        if ((await page.locator('#bars .stale').count()) > 0) return 'old numbers'
        const { result } = await again()
        const shown = await barsOn(page, '#bars')
        const worst = Math.max(
          ...shown.map(({ id, front }) => Math.abs((front ?? 0) - result.probabilities[id]!)),
        )
        const entropy = Number(await page.textContent('#entropy'))
        const kept = (await page.textContent('#kept'))!.replace(',', '')
        return {
          worst: worst < 1e-9,
          entropy: Math.abs(entropy - result.entropy) <= 0.006 * Math.max(result.entropy, 0.001),
          kept: kept === String(result.kept_count),
        }
      })
      .toEqual({ worst: true, entropy: true, kept: true })
  }

  const tale = (page: Page) => page.locator('#text .tale')
  const whenWritten = (page: Page, words: number, where = '#text .tale') =>
    page
      .locator(`${where} .written:not(.old)`)
      .nth(words - 1)
      .waitFor()

  describe('in the opening minute', () => {
    it.each([wide, phone])('shows all that matters at $viewport.width px', (size) =>
      onPage(async ({ page }) => {
        await whenWritten(page, 20)
        const bottomOf = async (selector: string) =>
          page
            .locator(selector)
            .evaluateAll((all) => Math.max(...all.map((one) => one.getBoundingClientRect().bottom)))
        const { height, width } = size.viewport
        const text = (await tale(page).boundingBox())!
        expect(text.y + 60).toBeLessThan(height)
        expect(await page.locator(`${bars}:visible`).count()).toBeGreaterThanOrEqual(8)
        expect(await bottomOf('#temperature-slider')).toBeLessThan(height)
        if (width > 1000) {
          expect(await bottomOf('#formula')).toBeLessThan(height)
          expect(text.y + text.height).toBeLessThan(height)
        }
        await page.screenshot({ path: `${artefacts}opening-${width}.png` })
      }, size),
    )

    it('begins with T = 1, no samplers, and whole words', () =>
      onPage(async (opened) => {
        const { page } = opened
        expect(await page.title()).toBe('Kelvin · playground')
        expect(await page.inputValue('#temperature')).toBe('1')
        expect(await page.textContent('#caption')).toContain('exactly as the model has them')
        expect(await settingsOn(page)).toEqual({
          seed: '2',
          prompt_token_ids: expect.any(Array),
          return_probabilities: 'none',
        })
        const words = await page.locator('#bars th .word').allTextContents()
        expect(words.filter((word) => /^[a-z]{3,}$/i.test(word)).length).toBeGreaterThan(5)
        await expectAgreement(opened)
      }))

    it('says what each temperature does', () =>
      onPage(async (opened) => {
        const { page } = opened
        const captions = {
          '0': 'always the likeliest word',
          '0.3': 'Sharper',
          '1': 'exactly',
          '1.4': 'Flatter',
          '2.5': 'the text suffers',
          '∞': 'All words alike',
        }
        for (const [temperature, caption] of Object.entries(captions)) {
          await page.fill('#temperature', temperature)
          await expect.poll(() => page.textContent('#caption')).toContain(caption)
          await expectAgreement(opened)
        }
        const shares = await barsOn(page, '#bars')
        for (const { front } of shares) expect(front).toBeCloseTo(1 / 2048, 8)
      }))

    it('has a formula with the numbers of the likeliest word', () =>
      onPage(async ({ page }) => {
        await page.fill('#temperature', '0.8')
        await expect.poll(() => page.textContent('#formula')).toContain('/ 0.8')
        const [{ front } = { front: 0 }] = await barsOn(page, '#bars')
        const text = (await page.textContent('#formula'))!.replace(/\s+/g, ' ')
        expect(text).toContain(`${(100 * front!).toFixed(1)} %`)
        // Logit, logit ÷ T, and its exponential.
        await page.getByLabel('Show the steps').check()
        await page.locator(`${bars} .step`).first().waitFor()
        const cells = await page.locator(`${bars} .step`).allTextContents()
        const [logit, divided, power] = cells
          .slice(0, 3)
          .map((cell) => Number(cell.replaceAll(',', '')))
        expect(divided).toBeCloseTo(logit! / 0.8, 1)
        expect(Math.log(power!)).toBeCloseTo(divided!, 1)
      }))

    it('writes the same text at temperature 0', () =>
      onPage(async ({ page }) => {
        await page.fill('#temperature', '0')
        await expect.poll(() => page.textContent('#written-at')).toBe('0')
        await whenWritten(page, 40)
        expect((await tale(page).textContent())!.startsWith(TALE)).toBe(true)
      }))
  })

  it('loads in under 300 kB without the model', async () => {
    await using visited = await visit(browser, 'about:blank', wide)
    const { page } = visited
    let bytes = 0
    let requests = 0
    page.on('requestfinished', async (request) => {
      if (!request.url().startsWith('http') || /\.bin$|\/v1\/sample$/.test(request.url())) return
      requests++
      const { responseBodySize, responseHeadersSize } = await request.sizes()
      bytes += responseBodySize + responseHeadersSize
    })
    await page.goto(`${server.url}/`)
    await page.locator(bars).first().waitFor()
    await page.waitForTimeout(500)
    expect(bytes).toBeGreaterThan(50_000)
    expect(bytes).toBeLessThan(300_000)
    expect(requests).toBeLessThan(12)
  })

  it('serves the page under a policy without inline scripts or styles', async () => {
    const { headers } = await fetch(`${server.url}/`)
    const policy = headers.get('content-security-policy')!
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toMatch(/unsafe|nonce|sha256|\*|https?:|data:|blob:/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('follows slider, keys, typing and the curve', () =>
    onPage(async (opened) => {
      const { page } = opened
      const slider = page.locator('#temperature-slider')
      const track = (await slider.boundingBox())!
      await page.mouse.move(track.x + track.width * 0.6, track.y + track.height / 2)
      await page.mouse.down()
      await page.mouse.move(track.x + track.width * 0.3, track.y + track.height / 2, { steps: 12 })
      await page.mouse.up()
      const dragged = Number(await page.inputValue('#temperature'))
      expect(dragged).toBeGreaterThan(0.1)
      expect(dragged).toBeLessThan(0.35)
      await expectAgreement(opened)
      await slider.press('End')
      await expect.poll(() => page.inputValue('#temperature')).toBe('∞')
      await page.fill('#temperature', '0.7')
      await page.press('#temperature', 'ArrowUp')
      await expect.poll(() => page.inputValue('#temperature')).toBe('0.8')
      await page.fill('#temperature', '12,5')
      await expectAgreement(opened)
      await page.locator('#curve .u-over').click()
      await expect.poll(async () => Number(await page.inputValue('#temperature'))).toBeLessThan(3)
      await expectAgreement(opened)
    }))

  it('keeps the axis while one drags', () =>
    onPage(async ({ page }) => {
      const scale = () => page.locator('#bars .scale').textContent()
      const before = await scale()
      for (const temperature of ['0', '0.2', '3', '∞']) {
        await page.fill('#temperature', temperature)
        expect(await scale()).toBe(before)
      }
    }))

  describe('tells three texts', () => {
    it('with one seed, at three temperatures, in one request each time', () =>
      onPage(async ({ page }) => {
        const batches: Record<string, unknown>[] = []
        page.on('request', (request) => {
          const body = request.url().endsWith('/v1/sample') ? request.postDataJSON() : {}
          if (body.rows?.length === 3) batches.push(body)
        })
        await page.locator('#three').scrollIntoViewIfNeeded()
        for (let column = 0; column < 3; column++) {
          await whenWritten(page, 12, `#three [data-column="${column}"]`)
        }
        const { rows, seed } = batches[5] as {
          rows: { temperature: number; stream: string }[]
          seed: string
        }
        expect(rows.map(({ temperature }) => temperature)).toEqual([0.2, 0.8, 1.5])
        expect(new Set(rows.map(({ stream }) => stream)).size).toBe(1)
        expect(seed).toBe('2')
        const texts = await page.locator('#three .tale').allTextContents()
        expect(new Set(texts).size).toBe(3)

        await page.fill('#temperature-2', '0.2')
        await expect
          .poll(async () => {
            const [first, , third] = await page.locator('#three .tale').allTextContents()
            return third!.slice(0, 60) === first!.slice(0, 60)
          })
          .toBe(true)
      }))

    it('shows what else a word could have been, and goes on from another', () =>
      onPage(async ({ page }) => {
        await page.locator('#three').scrollIntoViewIfNeeded()
        await whenWritten(page, 12, '#three [data-column="1"]')
        const words = page.locator('#three [data-column="1"] .written')
        const before = await words.allTextContents()
        await words.nth(5).click()
        const look = page.locator('#three .look')
        await look.locator('.path').waitFor()
        expect(await look.locator('.path').textContent()).toContain('the draw took it')
        expect((await look.locator('.taken .word').textContent())!.trim()).toBe(before[5]!.trim())
        const other = look.locator('tbody tr:not(.taken) .token').first()
        const chosen = (await other.textContent())!.trim()
        await other.click()
        await look.locator('[data-act="take"]').click()
        await expect
          .poll(async () => (await words.nth(5).textContent())!.trim())
          .toBe(chosen.replace('…', ''))
        expect((await words.allTextContents()).slice(0, 5)).toEqual(before.slice(0, 5))
        await expect.poll(() => words.count()).toBeGreaterThan(8)
      }))
  })

  it('colours words by how likely they were', () =>
    onPage(async ({ page }) => {
      await whenWritten(page, 15)
      const written = await page.locator('#text .written').evaluateAll((all) =>
        all.map((one) => ({
          chance: Number.parseFloat((one as HTMLElement).title),
          surprise: Number((one as HTMLElement).style.getPropertyValue('--surprise')),
        })),
      )
      for (const { chance, surprise } of written) {
        expect(surprise).toBeCloseTo(Math.min(-Math.log2(chance / 100) / 8, 1), 1)
      }
    }))

  describe('tells why a token was not picked', () => {
    const detail = (page: Page) => page.locator('#bars .path')
    const open = async (page: Page, name: string, field: string, text: string) => {
      const card = page.locator(`[data-sampler="${name}"]`)
      if (!(await card.isVisible())) await page.locator('.more > summary').click()
      const toggle = card.getByRole('switch')
      if (!(await toggle.isChecked())) await toggle.click()
      await page.fill(`#field-${field}`, text)
      await page.locator(`#field-${field}`).blur()
    }
    const numbers = (text: string) => text.replaceAll('−', '-').replace(/\s+/g, ' ').trim()

    it('after a bias and a cut', () =>
      onPage(async (opened) => {
        const { page } = opened
        const [first] = await barsOn(page, '#bars')
        await open(page, 'logit_bias', 'logit_bias', `{"${first!.id}": -9}`)
        await open(page, 'top_k', 'top_k', '3')
        await page.locator(`${bars} .token`).first().click()
        await expect.poll(() => detail(page).getAttribute('data-dropped-by')).toBe('top_k')
        await expectAgreement(opened)
        const text = numbers((await detail(page).textContent())!)
        const [, came, changed, need] =
          /logit (-?[\d.]+) → Logit bias .* → (-?[\d.]+) → Top-k 3 needs (-?[\d.]+) → out/.exec(
            text,
          )!
        expect(Number(changed)).toBeCloseTo(Number(came) - 9, 2)
        expect(Number(need)).toBeGreaterThan(Number(changed))
        await page.locator('.cut').first().waitFor()
        expect(await page.locator('.cut').first().textContent()).toContain('Top-k cuts here')
      }))

    it('after a penalty', () =>
      onPage(async ({ page }) => {
        const { id } = (await barsOn(page, '#bars'))[0]!
        await page.locator('#intake .context summary').click()
        await page.fill('#field-output_token_ids', `${id}, ${id}`)
        await open(page, 'frequency_penalty', 'frequency_penalty', '1.5')
        await page.locator(`${bars}[data-token="${id}"] .token`).click()
        await expect
          .poll(async () => numbers((await detail(page).textContent())!))
          .toMatch(/Frequency penalty 1.5 → -?[\d.]+ → [\d.]+ % at T = 1 → the draw took/)
      }))

    it('behind a mask, and kept but not drawn', () =>
      onPage(async ({ page }) => {
        const [first, second] = await barsOn(page, '#bars')
        await open(page, 'mask', 'banned_token_ids', String(first!.id))
        await page.locator(`${bars} .token`).first().click()
        await expect
          .poll(async () => numbers((await detail(page).textContent())!))
          .toMatch(/^logit [\d.]+ → Mask .* → out$/)
        await page.locator(`${bars}[data-token="${second!.id}"] .token`).click()
        await expect
          .poll(async () => numbers((await detail(page).textContent())!))
          .toMatch(/^logit -?[\d.]+ → [\d.]+ % at T = 1 → the draw took/)
      }))
  })

  describe('is honest', () => {
    it('dims old numbers, and relabels nothing, while a slow server computes', () =>
      onPage(async (opened) => {
        const { page } = opened
        await page.locator('[data-act="stop"]').click()
        await page.route('**/v1/sample', async (route) => {
          await new Promise((resolve) => setTimeout(resolve, 700))
          await route.continue().catch(() => {})
        })
        const label = () => page.locator('#bars thead th').last().textContent()
        const before = [
          await label(),
          await page.textContent('#caption'),
          await barsOn(page, '#bars'),
        ]
        await page.fill('#temperature', '0.3')
        await page.waitForTimeout(350)
        expect(await page.locator('#bars .stale').count()).toBeGreaterThan(0)
        expect([
          await label(),
          await page.textContent('#caption'),
          await barsOn(page, '#bars'),
        ]).toEqual(before)
        expect(await page.textContent('#written-at')).toBe('1')
        await expect.poll(() => page.textContent('#caption')).toContain('Sharper')
        await expectAgreement(opened)
      }))

    it('keeps the labels of a valid answer when a setting is invalid', () =>
      onPage(
        async ({ page }) => {
          await page.fill('#temperature', '-1')
          await page.locator('#dial .problem').waitFor()
          expect(await page.textContent('#dial .problem')).toContain('Temperature')
          expect(await page.textContent('#caption')).toContain('T = 1')
          expect(await page.getAttribute('#temperature', 'aria-invalid')).toBe('true')
          await page.fill('#temperature', '0.5')
          await expect.poll(() => page.locator('#dial .problem').count()).toBe(0)
        },
        { ...wide, expected: /status of 4(00|22)/ },
      ))

    it('says that the server is gone, and recovers by itself', () =>
      onPage(
        async (opened) => {
          const { page } = opened
          await page.route('**/v1/**', (route) => route.abort())
          await page.fill('#temperature', '0.3')
          await page.locator('#banner:not([hidden])').waitFor()
          expect(await page.textContent('#banner')).toContain('Kelvin does not answer')
          expect(await page.textContent('#caption')).toContain('T = 1')
          await page.unroute('**/v1/**')
          await page.locator('#banner').waitFor({ state: 'hidden', timeout: 10_000 })
          await expect.poll(() => page.textContent('#caption')).toContain('Sharper')
          await expectAgreement(opened)
        },
        { ...wide, expected: /ERR_FAILED|Failed to load/ },
      ))

    it('waits for a server that is not ready', async () => {
      await using visited = await visit(browser, 'about:blank', wide)
      const { page } = visited
      let isReady = false
      await page.route('**/v1/samplers', (route) =>
        isReady ? route.continue() : route.fulfill({ status: 503, body: 'not yet' }),
      )
      await page.goto(`${server.url}/`)
      await page.locator('#banner:not([hidden])').waitFor()
      expect(await page.textContent('#banner')).toMatch(/cannot answer now \(503\)/)
      isReady = true
      await page.getByRole('button', { name: 'Try now' }).click()
      await page.locator(bars).first().waitFor()
      expect(await page.locator('#banner').isVisible()).toBe(false)
    })

    it('asks for a key, and says that one is wrong', async () => {
      const key = 'a-key-that-nobody-guesses'
      const locked = await startServer({ API_KEYS: key })
      try {
        await using visited = await visit(browser, `${locked.url}/`, wide)
        const { page } = visited
        const field = page.getByLabel('Key', { exact: true })
        await field.fill('another-key-of-that-kind')
        await page.keyboard.press('Enter')
        await expect.poll(() => page.textContent('#key')).toContain('refused this key')
        await field.fill(key)
        await page.keyboard.press('Enter')
        await page.locator(bars).first().waitFor()
        expect(await page.locator('dialog').isVisible()).toBe(false)
        expect(await page.textContent('#snippet')).toContain('$KELVIN_API_KEY')
        expect(await page.content()).not.toContain(key)
      } finally {
        await locked.stop()
      }
    })
  })

  describe('samplers', () => {
    it(
      'are all there with meaning, paper and fields, the common ones first',
      { timeout: 120_000 },
      () =>
        onPage(
          async ({ page }) => {
            const { samplers } = catalogue()
            const first = await page
              .locator('.common [data-sampler]')
              .evaluateAll((all) => all.map((card) => card.getAttribute('data-sampler')))
            expect(first.toSorted()).toEqual(
              samplers
                .filter(({ is_common }) => is_common)
                .map(({ name }) => name)
                .toSorted(),
            )
            await page.locator('.more > summary').click()
            for (const { name, title, meaning, reference, fields } of samplers) {
              const card = page.locator(`[data-sampler="${name}"]`)
              expect(await card.locator('.meaning').textContent()).toBe(meaning)
              await card.getByRole('switch', { name: title, exact: true }).click()
              expect(await card.locator('.paper a').getAttribute('href')).toBe(reference.url)
              for (const [field, schema] of Object.entries(fields)) {
                if (field === 'temperature') continue
                const control = card.locator(`[data-field="${field}"]`)
                const described = (await card
                  .locator(`#field-${field}-about`)
                  .textContent())!.trim()
                const { description } = schema as { description: string }
                expect(described).toContain(description.replaceAll('`', ''))
                expect(await control.locator('input, select').count()).toBeGreaterThan(0)
              }
              await card.getByRole('switch', { name: title, exact: true }).click()
            }
            await page.getByLabel('Find').fill('entropy')
            const found = () => page.locator('.more [data-sampler]').count()
            await expect.poll(found).toBeLessThan(12)
            expect(await found()).toBeGreaterThan(0)
          },
          { ...wide, expected: /status of 4(00|22)/ },
        ),
    )

    it('agree with the API one by one', { timeout: 120_000 }, () =>
      onPage(async (opened) => {
        const { page } = opened
        await page.locator('.more > summary').click()
        for (const { name } of catalogue().samplers) {
          const toggle = page.locator(`[data-sampler="${name}"]`).getByRole('switch')
          await toggle.click()
          await expectAgreement(opened)
          await toggle.click()
          await expect
            .poll(async () => Object.keys(await settingsOn(page)).toSorted())
            .toEqual(['prompt_token_ids', 'return_probabilities', 'seed'])
        }
      }),
    )

    it('that the page does not know get controls from their schema', async () => {
      await using visited = await visit(browser, 'about:blank', wide)
      const { page } = visited
      await page.route('**/v1/samplers', async (route) => {
        const response = await route.fetch()
        const answer = await response.json()
        answer.samplers.push({
          ...answer.samplers.at(-1),
          name: 'novel',
          title: 'A novel sampler',
          is_common: true,
          meaning: 'Does what none has done.',
          fields: {
            novelty: {
              type: 'number',
              minimum: 0,
              default: 0,
              'x-form': 'number',
              'x-typical': [2, 6],
              description: 'How new.',
            },
            novel_way: {
              type: 'string',
              'x-form': 'text',
              enum: ['this', 'that'],
              default: 'this',
              description: 'Which.',
            },
          },
        })
        for (const profile of answer.profiles) profile.order.push('novel')
        await route.fulfill({ response, json: answer })
      })
      await page.goto(`${server.url}/`)
      const card = page.locator('[data-sampler="novel"]')
      await card.getByRole('switch').check()
      expect(await card.locator('#field-novelty').inputValue()).toBe('4')
      expect(await card.getByRole('slider').getAttribute('max')).toBe('6')
      expect(await card.locator('#field-novel_way option').allTextContents()).toEqual([
        'this',
        'that',
      ])
      // This server refuses the field, and the page shows the error at its control.
      await expect.poll(() => card.locator('.fault').textContent()).toContain('Unknown field')
    })

    it('can be reordered by keys and by mouse, and profiles say only what matters', () =>
      onPage(async (opened) => {
        const { page } = opened
        const switchOn = (name: string) =>
          page.locator(`[data-sampler="${name}"]`).getByRole('switch').click()
        await switchOn('top_p')
        await page.locator('.differences summary').click()
        const llama = page.locator('[data-profile="llama.cpp"]')
        expect(await llama.textContent()).toContain('Nothing that matters')
        await switchOn('top_k')
        await page.fill('#temperature', '0.6')
        await expect.poll(() => llama.textContent()).toContain('Runs at another place')
        await page.locator('[data-act="reorder"]').click()
        const up = page.locator('.order [data-sampler="top_p"] [data-move="-1"]')
        await up.focus()
        await page.keyboard.press('Enter')
        await page.keyboard.press('Enter')
        await expect
          .poll(async () =>
            ((await settingsOn(page)).order as string[] | undefined)?.includes('top_p'),
          )
          .toBe(true)
        await up.focus()
        await page.getByRole('button', { name: 'The profile’s order' }).click()
        await expect.poll(async () => (await settingsOn(page)).order).toBe(undefined)
        await expectAgreement(opened)
      }))

    it('leave what the funnel shows', () =>
      onPage(async (opened) => {
        const { page } = opened
        await page.locator('[data-sampler="top_k"]').getByRole('switch').click()
        await page.locator('[data-sampler="top_p"]').getByRole('switch').click()
        await expect.poll(() => page.locator('#funnel [data-step]').count()).toBe(3)
        await expectAgreement(opened)
        const widths = await page
          .locator('#funnel .narrowing > div')
          .evaluateAll((all) => all.map((one) => one.clientWidth))
        expect(widths).toEqual(widths.toSorted((a, b) => b - a))
      }))
  })

  describe('takes what the user has', () => {
    const faults = (page: Page) => page.textContent('#intake-fault')

    it('whole requests, rows of NumPy, words', () =>
      onPage(async (opened) => {
        const { page } = opened
        await page.setInputFiles('#files', `${examples}story.json`)
        await expect.poll(() => page.textContent('#bars .before')).toContain('story.json')
        const { logits, ...settings } = JSON.parse(readFileSync(`${examples}story.json`, 'utf8'))
        expect(logits.length).toBe(512)
        expect(await settingsOn(page)).toMatchObject({ temperature: settings.temperature })
        await expectAgreement(opened)

        await page.setInputFiles('#files', `${inputs}stories260k.npy`)
        await page.fill('#row', '166')
        await page.locator('#row').blur()
        const row = readRow({ file: 'stories260k', row: 166 })
        const best = row.indexOf(Math.max(...row))
        await expect.poll(async () => (await barsOn(page, '#bars'))[0]?.id).toBe(best)
        const words = JSON.stringify(Array.from({ length: 512 }, (_, id) => ` w${id}`))
        await page.setInputFiles('#files', {
          name: 'words.json',
          mimeType: 'application/json',
          buffer: Buffer.from(words),
        })
        await expect.poll(() => page.locator('#bars .word').first().textContent()).toBe(`w${best}`)
        expect(await faults(page)).toBe('')
        await page.locator('#text [data-act="back"]').click()
        await whenWritten(page, 5)
      }))

    it('numbers and words that are pasted, and explains what is wrong', () =>
      onPage(async (opened) => {
        const { page } = opened
        const paste = async (text: string) => {
          await page.fill('#pasted', text)
          await page.getByRole('button', { name: 'Show', exact: true }).click()
        }
        await paste('cat: 2\nthe dog: 1.5\nfox: -1')
        await expect
          .poll(() => page.locator('#bars .word').allTextContents())
          .toEqual(['cat', 'the dog', 'fox'])
        await expectAgreement(opened)
        for (const [text, why] of [
          ['{"logits": [1, 2', 'not valid JSON'],
          ['1 nan', 'index 1 is NaN'],
          ['{"a": "b"}', 'no “logits”'],
        ]) {
          await paste(text!)
          await expect.poll(() => faults(page)).toContain(why)
          expect((await faults(page))!.length).toBeLessThanOrEqual(100)
        }
        await paste('3; 2; 1')
        await expect.poll(() => faults(page)).toBe('')
        await expect.poll(async () => (await barsOn(page, '#bars')).length).toBe(3)
      }))

    it('a language model and its tokenizer', () =>
      onPage(async ({ page }) => {
        const own = fileURLToPath(new URL('../../src/language-model/', import.meta.url))
        await page.setInputFiles('#files', `${own}tales.bin`)
        await expect.poll(() => faults(page)).toContain('open its tokenizer, too')
        await page.setInputFiles('#files', `${own}tales-tokenizer.bin`)
        await expect.poll(() => faults(page)).toBe('')
        await whenWritten(page, 5)
      }))
  })

  it('draws, and replays', () =>
    onPage(
      async (opened) => {
        const { page } = opened
        await page.locator('[data-draw="1000"]').click()
        await expect.poll(() => page.locator('.drawn').getAttribute('data-drawn')).toBe('1000')
        await expect.poll(async () => (await settingsOn(page)).seed).not.toBe('2')
        await expectAgreement(opened)
        const { seed } = await settingsOn(page)
        const { result } = await opened.again({ seed })
        for (const { id, front, behind } of await barsOn(page, '#draw')) {
          expect(front! * 1000).toBeCloseTo(
            result.token_ids.filter((token) => token === id).length,
            9,
          )
          expect(behind).toBeCloseTo(result.probabilities[id]!, 12)
        }
        await page.locator('[data-act="replay"]').click()
        await expect
          .poll(() => page.locator('#draw [role="status"]').textContent())
          .toContain('drew the same 1000 tokens again')
        await page.fill('#seed', 'x')
        await page.keyboard.press('Enter')
        await expect
          .poll(() => page.locator('#draw .fault').textContent())
          .toContain('Expected an integer')
      },
      { ...wide, expected: /status of 4(00|22)/ },
    ))

  it('carries the state in a link, or in a file if the link would be long', () =>
    onPage(
      async ({ page }) => {
        await page.fill('#pasted', 'north: 0.1\neast: 2.5\nsouth: 1\nwest: -3')
        await page.getByRole('button', { name: 'Show', exact: true }).click()
        await page.fill('#temperature', '1.7')
        await page.locator('[data-act="link"]').click()
        await expect
          .poll(() => page.locator('#code [role="status"]').textContent())
          .toContain('Copied')
        const link = await page.evaluate(() => navigator.clipboard.readText())
        expect(link.length).toBeLessThan(8192)
        await using other = await visit(browser, link, wide)
        await expect
          .poll(() => other.page.locator('#bars .word').allTextContents())
          .toEqual(['east', 'south', 'north', 'west'])
        expect(await settingsOn(other.page)).toEqual(await settingsOn(page))
        await expect.poll(() => barsOn(other.page, '#bars')).toEqual(await barsOn(page, '#bars'))
        expect(other.complaints).toEqual([])

        await page.setInputFiles('#files', `${inputs}stories260k.npy`)
        await expect.poll(() => page.locator('#row').count()).toBe(1)
        await page.fill('#pasted', Array.from({ length: 5000 }, () => Math.random()).join(' '))
        await page.getByRole('button', { name: 'Show', exact: true }).click()
        await expect.poll(() => page.textContent('#intake')).toContain('5,000 logits')
        const saving = page.waitForEvent('download')
        await page.locator('[data-act="link"]').click()
        const path = await (await saving).path()
        const shown = await barsOn(page, '#bars')
        await page.goto(`${server.url}/`)
        await page.setInputFiles('#files', path)
        await expect.poll(() => barsOn(page, '#bars')).toEqual(shown)
        expect(await settingsOn(page)).toMatchObject({ temperature: 1.7 })
      },
      { ...wide, permissions: ['clipboard-read', 'clipboard-write'] },
    ))

  describe.each(['light', 'dark'] as const)('in the %s scheme', (colorScheme) => {
    it.each([375, 1024, 1440, 2560])('fits %s px and has no barriers that axe finds', (width) =>
      onPage(
        async ({ page }) => {
          await page.locator('#three').scrollIntoViewIfNeeded()
          await whenWritten(page, 12, '#three [data-column="1"]')
          await page.locator('#three [data-column="1"] .written').nth(3).click()
          await page.locator(`${bars} .token`).nth(2).click()
          await page.locator('[data-sampler="top_p"]').getByRole('switch').click()
          await page.locator('[data-draw="1000"]').click()
          for (const summary of await page.locator('summary').all()) await summary.click()
          await page.locator('#bars .token-detail').waitFor()
          await whenWritten(page, 20)
          const { scrollWidth, clientWidth } = await page.evaluate(() => {
            const { scrollWidth, clientWidth } = document.documentElement
            return { scrollWidth, clientWidth }
          })
          expect(scrollWidth).toBe(clientWidth)
          await page.evaluate(axe.source)
          await expect.poll(() => page.locator('.stale').count()).toBe(0)
          const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults
          const found = violations.map(({ id, nodes }) => [
            id,
            ...nodes.map(({ html }) => html.slice(0, 120)),
          ])
          expect(found).toEqual([])
          await page.screenshot({
            path: `${artefacts}playground-${colorScheme}-${width}.png`,
            fullPage: true,
          })
        },
        { viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' },
      ),
    )
  })

  it('keeps its bars where the system chooses the colours', () =>
    onPage(
      async ({ page }) => {
        const [bar, page_] = await page.evaluate(() => [
          getComputedStyle(document.querySelector('.track > .front')!).backgroundColor,
          getComputedStyle(document.body).backgroundColor,
        ])
        expect(bar).not.toBe(page_)
        await page.screenshot({ path: `${artefacts}playground-forced-colours.png` })
      },
      { ...wide, forcedColors: 'active' },
    ))

  it('can be used by keyboard only, in at most 40 stops', () =>
    onPage(async (opened) => {
      const { page } = opened
      await expect.poll(() => page.locator('#text .tale .pen').count(), { timeout: 15_000 }).toBe(0)
      const focused = () =>
        page.evaluate(() => {
          const { id, className, tagName, dataset } = document.activeElement as HTMLElement
          return tagName === 'BODY' ? undefined : { id, className, act: dataset.act }
        })
      const stops: Awaited<ReturnType<typeof focused>>[] = []
      for (let i = 0; i < 80; i++) {
        await page.keyboard.press('Tab')
        const at = await focused()
        if (!at) break
        stops.push(at)
      }
      expect(stops.length).toBeLessThanOrEqual(40)
      expect(stops[0]!.className).toBe('skip')
      expect(stops.some((stop) => stop!.id === 'temperature-slider')).toBe(true)

      await page.locator('#temperature-slider').focus()
      await page.keyboard.press('Home')
      await expect.poll(() => page.inputValue('#temperature')).toBe('0')
      await page.keyboard.press('Tab')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      await page.locator('#bars .token-detail').waitFor()
      await expectAgreement(opened)
      await whenWritten(page, 10)
      await page.locator('#text .written').first().focus()
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('Enter')
      await expect
        .poll(() =>
          page.locator('#text .written[aria-pressed="true"]').getAttribute('data-position'),
        )
        .toBe('2')
      // Screen readers announce the result.
      await expect.poll(() => page.textContent('#status')).toMatch(/Temperature 0: 1 tokens kept/)
    }))
})

it('loads nothing from other servers', () => {
  const html = readFileSync(new URL('../../src/playground/index.html', import.meta.url), 'utf8')
  const addresses = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!)
  expect(addresses.filter((address) => !/^[/#]/.test(address))).toEqual([])
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/)
})
