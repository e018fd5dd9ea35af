import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogue } from '../../src/request/catalogue.ts'
import { readRow } from '../golden/read.ts'
import { type Server, startServer } from '../server.ts'
import { hasBrowser, launch } from './browser.ts'
import { answerTo, barsOn, requestOn, visit } from './visit.ts'

const artefacts = new URL('../artefacts/', import.meta.url).pathname

const narrow = { viewport: { width: 375, height: 720 } }
const wide = { viewport: { width: 1440, height: 1000 } }

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

  /** Opens the page. Fails if the browser has reported a problem by the end. */
  async function onPage(
    work: (page: Page) => Promise<void>,
    { refused = false, ...options }: BrowserContextOptions & { refused?: boolean } = wide,
  ) {
    await using visited = await visit(browser, `${server.url}/`, options)
    const { page, complaints } = visited
    await page.locator('#bars tbody tr').first().waitFor()
    await work(page)
    // If a request is refused on purpose, the browser reports that, too.
    const expected = refused ? /status of 4(00|22)/ : /^$/
    expect(complaints.filter((text) => !expected.test(text))).toEqual([])
  }

  /** Expects the numbers on screen to be the answer to the request on screen. */
  async function expectAgreement(page: Page) {
    await expect
      .poll(async () => {
        const request = await requestOn(page)
        const answer = await answerTo(server.url, request)
        const raw = await answerTo(server.url, { logits: request.logits })
        const shown = await barsOn(page, '#bars')
        const worst = Math.max(
          ...shown.flatMap(({ id, front, behind }) => [
            Math.abs((front ?? 0) - answer.probabilities[id]!),
            Math.abs(behind - raw.probabilities[id]!),
          ]),
        )
        return {
          worst: worst < 1e-9,
          bars: shown.length >= Math.min(24, raw.probabilities.length),
          entropy: await page.textContent('#entropy'),
          effective: await page.textContent('#effective'),
          kept: await page.textContent('#kept'),
          // The place of the slider; temperatures above its scale are at the end.
          drawn: await page.locator('.story .next').getAttribute('data-token'),
          expected: {
            entropy: answer.entropy.toPrecision(3),
            effective: Math.exp(answer.entropy).toPrecision(3),
            kept: String(answer.kept_count),
            drawn: String(answer.token_ids[0]),
          },
        }
      })
      .toSatisfy(({ worst, bars, entropy, effective, kept, drawn, expected }) => {
        return (
          worst &&
          bars &&
          Number(entropy) === Number(expected.entropy) &&
          Number(effective) === Number(expected.effective) &&
          kept === expected.kept &&
          drawn === expected.drawn
        )
      })
  }

  it('shows what the API answers, on a real row and in under 300 kB', async () => {
    await using visited = await visit(browser, 'about:blank', wide)
    const { page, complaints } = visited
    let bytes = 0
    page.on('requestfinished', async (request) => {
      if (!request.url().startsWith('http')) return
      const { responseBodySize, responseHeadersSize } = await request.sizes()
      bytes += responseBodySize + responseHeadersSize
    })
    complaints.length = 0
    await page.goto(`${server.url}/`)
    expect(await page.title()).toBe('Kelvin · playground')
    await page.locator('#bars tbody tr').first().waitFor()
    await expectAgreement(page)
    await page.waitForLoadState('networkidle')
    expect(bytes).toBeGreaterThan(50_000)
    expect(bytes).toBeLessThan(300_000)
    await page.screenshot({ path: `${artefacts}playground-light.png`, fullPage: true })
  })

  it('serves the page under a policy without inline scripts or styles', async () => {
    const { headers } = await fetch(`${server.url}/`)
    const policy = headers.get('content-security-policy')!
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toMatch(/unsafe|nonce|sha256|\*|https?:|data:/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('follows the slider, the mouse on the curve, and typing', () =>
    onPage(async (page) => {
      const slider = page.locator('#temperature-slider')
      const before = await page.inputValue('#temperature')
      await slider.focus()
      for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowRight')
      expect(Number(await page.inputValue('#temperature'))).toBeGreaterThan(Number(before))
      await expectAgreement(page)

      const track = (await slider.boundingBox())!
      await page.mouse.move(track.x + track.width / 2, track.y + track.height / 2)
      await page.mouse.down()
      await page.mouse.move(track.x + track.width * 0.3, track.y + track.height / 2, { steps: 12 })
      await page.mouse.up()
      const dragged = Number(await page.inputValue('#temperature'))
      expect(dragged).toBeGreaterThan(0.15)
      expect(dragged).toBeLessThan(0.3)
      await expectAgreement(page)

      const plot = (await page.locator('#curve .u-over').boundingBox())!
      await page.mouse.click(plot.x + plot.width * 0.7, plot.y + plot.height / 2)
      await expect
        .poll(async () => Number(await page.inputValue('#temperature')))
        .toBeGreaterThan(dragged)
      // The curve has the scale of the slider below it.
      const place = Number(await slider.inputValue())
      expect(place).toBeCloseTo(0.7, 1)

      await page.fill('#temperature', '0')
      await expect.poll(() => page.textContent('#kept')).toBe('1')
      await expectAgreement(page)
      await page.fill('#temperature', '12.5')
      await expectAgreement(page)
      expect(await slider.inputValue()).toBe('1')
      expect(await page.textContent('#dial .warning')).toContain('above 2')
      await page.fill('#temperature', '1.5')
      await expect.poll(() => page.locator('#dial .warning').count()).toBe(0)
    }))

  it('plots the entropy of the API at each temperature', () =>
    onPage(async (page) => {
      // The curve of the first preset comes first.
      await page.waitForLoadState('networkidle')
      const survey = page.waitForResponse((response) => {
        return (response.request().postData() ?? '').includes('"rows"')
      })
      await page.selectOption('#preset', 'story-214')
      const { results } = await (await survey).json()
      expect(results.length).toBe(61)
      const request = await requestOn(page)
      const hot = await answerTo(server.url, { ...request, temperature: 3 })
      expect(results.at(-1).entropy).toBeCloseTo(hot.entropy, 12)
      expect(results[0].entropy).toBe(0)
      // The curve is visible: the canvas has the colour of the bars.
      const isDrawn = await page.locator('#curve canvas').evaluate((canvas) => {
        const { width, height } = canvas as HTMLCanvasElement
        const { data } = (canvas as HTMLCanvasElement)
          .getContext('2d')!
          .getImageData(0, 0, width, height)
        let coloured = 0
        for (let i = 0; i < data.length; i += 4) {
          const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!]
          if (data[i + 3]! > 0 && Math.max(r, g, b) - Math.min(r, g, b) > 60) coloured++
        }
        return coloured
      })
      expect(isDrawn).toBeGreaterThan(300)
    }))

  it('answers each step of a drag about as fast as a single step', () =>
    onPage(async (page) => {
      const durations = () =>
        page.evaluate(() =>
          performance
            .getEntriesByType('resource')
            .filter(({ name }) => name.endsWith('/v1/sample'))
            .map(({ duration }) => duration)
            .sort((a, b) => a - b),
        )
      const slider = page.locator('#temperature-slider')
      await page.evaluate('performance.clearResourceTimings()')
      await slider.focus()
      for (let i = 0; i < 10; i++) {
        await page.keyboard.press('ArrowRight')
        await expectAgreement(page)
      }
      const alone = await durations()
      await page.evaluate('performance.clearResourceTimings()')
      const track = (await slider.boundingBox())!
      await page.mouse.move(track.x + track.width * 0.2, track.y + track.height / 2)
      await page.mouse.down()
      for (let i = 0; i < 60; i++) {
        await page.mouse.move(track.x + track.width * (0.2 + i / 100), track.y + track.height / 2)
      }
      await page.mouse.up()
      await expectAgreement(page)
      const dragged = await durations()
      expect(dragged.length).toBeGreaterThan(10)
      const median = (sorted: number[]) => sorted[Math.floor(sorted.length / 2)]!
      expect(median(dragged)).toBeLessThan(10 * median(alone))
    }))

  it('drops an answer that comes too late', () =>
    onPage(async (page) => {
      let held: (() => void) | undefined
      let calls = 0
      await page.route('**/v1/sample', async (route) => {
        calls++
        if (calls === 1) await new Promise<void>((resolve) => (held = resolve))
        await route.continue().catch(() => {})
      })
      await page.fill('#temperature', '0.1')
      await expect.poll(() => calls).toBe(1)
      await page.fill('#temperature', '1.9')
      await expect.poll(() => calls).toBe(2)
      await expectAgreement(page)
      const shown = await page.textContent('#entropy')
      held!()
      await page.waitForTimeout(200)
      expect(await page.textContent('#entropy')).toBe(shown)
    }))

  it('has every sampler of the catalogue with its meaning, paper and fields', () =>
    onPage(async (page) => {
      const { samplers, profiles } = catalogue()
      const cards = page.locator('#samplers [data-sampler]')
      const names = await cards.evaluateAll((all) =>
        all.map((card) => card.getAttribute('data-sampler')),
      )
      expect(names).toEqual(profiles.find(({ name }) => name === 'kelvin')!.order)
      for (const { name, title, meaning, reference, fields } of samplers) {
        const card = page.locator(`[data-sampler="${name}"]`)
        expect(await card.locator('.meaning').textContent()).toBe(meaning)
        expect(await card.getByRole('switch', { name: title, exact: true }).count()).toBe(1)
        await card.locator('button.title').click()
        expect(await card.locator('.paper a').getAttribute('href')).toBe(reference.url)
        for (const [field, schema] of Object.entries(fields)) {
          const control = card.locator(`[data-field="${field}"]`)
          const described = (await card.locator(`#field-${field}-about`).textContent())!.trim()
          const { description } = schema as { description: string }
          expect(described).toBe(description.replaceAll('`', ''))
          expect(await control.locator('input, select').count()).toBeGreaterThan(0)
        }
      }
    }))

  it('has a control for an unknown sampler', async () => {
    await using visited = await visit(browser, 'about:blank', wide)
    const { page } = visited
    await page.route('**/v1/samplers', async (route) => {
      const response = await route.fetch()
      const answer = await response.json()
      answer.samplers.push({
        ...answer.samplers[0],
        name: 'novel',
        title: 'A novel sampler',
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
    await card.locator('button.title').click()
    expect(await card.locator('#field-novelty').inputValue()).toBe('4')
    expect(await card.getByRole('slider').getAttribute('max')).toBe('6')
    expect(await card.locator('#field-novel_way option').allTextContents()).toEqual([
      'this',
      'that',
    ])
    // This server refuses the field, and the page shows the error at its control.
    await expect.poll(() => card.locator('.fault').textContent()).toContain('Unknown field')
  })

  it('switches every sampler on and off again, and agrees with the API in each', () =>
    onPage(async (page) => {
      await page.getByRole('button', { name: 'All off' }).click()
      await expect.poll(() => requestOn(page)).not.toHaveProperty('temperature')
      const { logits, ...others } = await requestOn(page)
      for (const { name, title, fields } of catalogue().samplers) {
        const toggle = page.locator(`[data-sampler="${name}"]`).getByRole('switch')
        await toggle.click()
        await page.waitForTimeout(20)
        const { logits: _, ...set } = await requestOn(page)
        const chosen = Object.keys(set).filter((field) => field in fields)
        // Lists of tokens have no usual value, so the sampler opens.
        if (chosen.length === 0) {
          expect(
            await page.locator(`[data-sampler="${name}"] .title`).getAttribute('aria-expanded'),
          ).toBe('true')
        } else {
          await expect
            .poll(() => page.locator('#funnel [data-step]').count(), { message: title })
            .toBe(2)
          await expectAgreement(page)
          await toggle.click()
        }
        await expect.poll(() => requestOn(page)).toEqual({ logits, ...others })
      }
    }))

  it('takes lists, words and objects, and shows their errors', () =>
    onPage(
      async (page) => {
        const open = (name: string) => page.locator(`[data-sampler="${name}"] .title`).click()
        const write = async (field: string, text: string) => {
          await page.fill(`#field-${field}`, text)
          await page.locator(`#field-${field}`).blur()
        }
        await open('mask')
        await write('banned_token_ids', '" big", 269')
        await expect.poll(async () => (await requestOn(page)).banned_token_ids).toEqual([370, 269])
        await expectAgreement(page)
        await write('banned_token_ids', '" nowhere"')
        const about = page.locator('[data-field="banned_token_ids"]')
        expect(await about.locator('.fault').textContent()).toContain('no token')
        await write('banned_token_ids', '999999')
        await expect.poll(() => about.locator('.fault').textContent()).toContain('999999')
        expect(await page.getAttribute('#field-banned_token_ids', 'aria-invalid')).toBe('true')
        await write('banned_token_ids', '')
        await expectAgreement(page)

        await open('logit_bias')
        await write('logit_bias', '{"376": 30}')
        await expectAgreement(page)
        await write('logit_bias', '{"376": ')
        expect(await page.locator('[data-field="logit_bias"] .fault').textContent()).toContain(
          'JSON',
        )

        await open('mask')
        await open('mask')
        await write('allowed_token_ids', '[]')
        await expect.poll(() => page.locator('#dial .problem').textContent()).toContain('no token')
      },
      { ...wide, refused: true },
    ))

  it('changes the profile, and shows the differences to others', () =>
    onPage(async (page) => {
      await page.getByRole('radio', { name: 'vLLM' }).check()
      await expect.poll(async () => (await requestOn(page)).profile).toBe('vllm')
      const names = await page
        .locator('#samplers ol [data-sampler]')
        .evaluateAll((all) => all.map((card) => card.getAttribute('data-sampler')))
      const { profiles, samplers } = catalogue()
      const vllm = profiles.find(({ name }) => name === 'vllm')!
      expect(names).toEqual(vllm.order)
      expect(await page.locator('#samplers .lacking [data-sampler]').count()).toBe(
        samplers.length - vllm.order.length,
      )
      await expectAgreement(page)

      await page.getByText('How the other profiles differ').click()
      const llama = page.locator('[data-profile="llama.cpp"]')
      expect(await llama.textContent()).toMatch(/Also has .*DRY/)
      expect(await llama.textContent()).toMatch(/Runs at another place .*Temperature/)
      const { logits, ...fields } = await requestOn(page)
      const there = await answerTo(server.url, { logits, ...fields, profile: 'llama.cpp' })
      await expect
        .poll(() => llama.locator('small').textContent())
        .toContain(`keeps ${there.kept_count},`)
    }))

  it('changes the order by buttons and by drag', () =>
    onPage(async (page) => {
      const order = async () => (await requestOn(page)).order as string[] | undefined
      expect(await order()).toBeUndefined()
      const card = page.locator('[data-sampler="top_p"]')
      await card.locator('[data-move="-1"]').click()
      const kelvin = [
        ...catalogue().profiles.find(({ name }) => name === 'kelvin')!.order,
      ] as string[]
      await expect.poll(order).toBeTruthy()
      expect((await order())!.indexOf('top_p')).toBe(kelvin.indexOf('top_p') - 1)

      await card.scrollIntoViewIfNeeded()
      const grip = (await card.locator('.grip').boundingBox())!
      const target = (await page.locator('[data-sampler="top_n_sigma"]').boundingBox())!
      await page.mouse.move(grip.x + 4, grip.y + 8)
      await page.mouse.down()
      await page.mouse.move(target.x + 40, target.y + target.height / 2, { steps: 6 })
      await page.mouse.move(target.x + 40, target.y + 3, { steps: 3 })
      await expect
        .poll(() => page.locator('[data-sampler="top_n_sigma"]').getAttribute('class'))
        .toContain('target')
      await page.mouse.up()
      await expect
        .poll(async () => {
          const names = (await order())!
          return names.indexOf('top_n_sigma') - names.indexOf('top_p')
        })
        .toBe(1)

      // Before temperature it sees another distribution.
      for (let i = 0; i < 2; i++) await card.locator('[data-move="-1"]').click()
      await expect
        .poll(() =>
          page
            .locator('#funnel [data-step]')
            .evaluateAll((all) => all.map((one) => one.getAttribute('data-step'))),
        )
        .toEqual(['logits', 'top_p', 'temperature'])
      await expectAgreement(page)
      await page.getByRole('button', { name: 'The profile’s order' }).click()
      await expect.poll(order).toBeUndefined()
    }))

  it('shows the trace as a funnel, and the sampler that removed a token', () =>
    onPage(async (page) => {
      await page.locator('[data-sampler="min_p"]').getByRole('switch').check()
      await expectAgreement(page)
      const { trace } = await answerTo(server.url, await requestOn(page))
      expect(trace.map(({ sampler }) => sampler)).toEqual(['temperature', 'top_p', 'min_p'])
      for (const { sampler, kept_after } of trace) {
        expect(await page.locator(`#funnel [data-step="${sampler}"] .left b`).textContent()).toBe(
          String(kept_after),
        )
      }
      const widths = await page
        .locator('#funnel .narrowing > div')
        .evaluateAll((all) => all.map((one) => one.clientWidth))
      expect(widths).toEqual(widths.toSorted((a, b) => b - a))

      const fallen = page.locator('#funnel [data-step="top_p"] .fell button').first()
      const id = await fallen.getAttribute('data-token')
      await fallen.click()
      const verdict = page.locator('.token-detail .verdict')
      await verdict.waitFor()
      expect(await verdict.getAttribute('data-dropped-by')).toBe('top_p')
      expect(await verdict.textContent()).toContain('top_p 0.95')
      const threshold = trace[1]!.threshold!
      expect(await verdict.textContent()).toContain(String(Number(threshold.toPrecision(5))))
      const { logits } = (await requestOn(page)) as { logits: number[] }
      expect(logits[Number(id)]).toBeLessThan(threshold)

      // A token that is not on screen, by its word.
      await page.fill('.find input', 'once')
      await page.keyboard.press('Enter')
      await expect.poll(() => page.textContent('#notice')).toContain('once')
      await page.fill('.find input', '37')
      await page.keyboard.press('Enter')
      await expect.poll(() => verdict.getAttribute('data-dropped-by')).toBe('top_p')
      await page.locator('#bars tbody tr td.bar').first().click()
      await expect.poll(() => verdict.textContent()).toContain('in play')
    }))

  it('draws, replays, and continues with the next step', () =>
    onPage(
      async (page) => {
        await page.locator('[data-draw="1000"]').click()
        await expect.poll(() => page.locator('.drawn').getAttribute('data-drawn')).toBe('1000')
        await expect.poll(async () => (await requestOn(page)).seed).not.toBe('42')
        const request = await requestOn(page)
        expect(request.n).toBe(1000)
        const { token_ids, probabilities, seed } = await answerTo(server.url, request)
        expect(await page.inputValue('#seed')).toBe(seed)
        const histogram = await barsOn(page, '#draw')
        expect(histogram.length).toBeGreaterThan(3)
        for (const { id, front, behind } of histogram) {
          expect(front! * 1000).toBeCloseTo(token_ids.filter((token) => token === id).length, 9)
          expect(behind).toBeCloseTo(probabilities[id]!, 12)
        }

        await page.locator('[data-act="replay"]').click()
        await expect
          .poll(() => page.locator('#draw [role="status"]').textContent())
          .toContain(`Seed ${seed} drew the same 1000 tokens again`)

        await page.locator('[data-draw="10"]').click()
        await expect.poll(() => page.locator('.drawn').getAttribute('data-drawn')).toBe('10')
        await page.locator('[data-draw="1"]').click()
        await expect.poll(() => page.locator('.drawn').getAttribute('data-drawn')).toBe('1')
        await page.fill('#seed', '7')
        await page.keyboard.press('Enter')
        await page.locator('[data-sampler="mirostat"]').getByRole('switch').check()
        await expectAgreement(page)
        const first = await requestOn(page)
        const { token_ids: drawn } = await answerTo(server.url, first)
        await page.locator('[data-act="next"]').click()
        await expect.poll(() => page.textContent('#step')).toBe('1')
        const second = await requestOn(page)
        expect(second).toMatchObject({ seed: '7', step: 1 })
        expect(second.output_token_ids).toEqual([...(first.output_token_ids as number[]), ...drawn])
        expect(second.state).toHaveProperty('mirostat_mu')
        await expectAgreement(page)
        await page.locator('[data-act="over"]').click()
        await expect.poll(() => requestOn(page)).toEqual(first)
        await page.fill('#seed', 'x')
        await page.keyboard.press('Enter')
        await expect
          .poll(() => page.locator('#draw .fault').textContent())
          .toContain('Expected an integer')
      },
      { ...wide, refused: true },
    ))

  it('takes the user’s files, and explains wrong ones', () =>
    onPage(async (page) => {
      const inputs = fileURLToPath(new URL('../golden/inputs/', import.meta.url))
      await page.getByText('Open a file, or drop one anywhere').click()
      await page.setInputFiles('#logits-file', `${inputs}stories260k.npy`)
      await expect.poll(() => page.locator('#row').count()).toBe(1)
      await page.fill('#row', '166')
      await page.locator('#row').blur()
      await expect
        .poll(async () => ((await requestOn(page)).logits as number[])[0])
        .toBeCloseTo(readRow({ file: 'stories260k', row: 166 })[0]!, 5)
      await expectAgreement(page)
      const words = JSON.stringify(Array.from({ length: 512 }, (_, id) => ` w${id}`))
      await page.setInputFiles('#words-file', {
        name: 'words.json',
        mimeType: 'application/json',
        buffer: Buffer.from(words),
      })
      const [first] = await barsOn(page, '#bars')
      await expect
        .poll(() => page.locator('#bars .word').first().textContent())
        .toBe(`·w${first!.id}`)

      await page.setInputFiles('#logits-file', {
        name: 'odd.bin',
        mimeType: 'application/octet-stream',
        buffer: Buffer.from([0, 1, 2]),
      })
      await expect.poll(() => page.textContent('#notice')).toContain('odd.bin has 3 bytes')

      await page.getByText('Paste numbers').click()
      await page.fill('#pasted', '[1, 2, 3')
      await page.getByRole('button', { name: 'Use these' }).click()
      await expect.poll(() => page.textContent('#notice')).toContain('not a JSON array')
      await page.fill('#pasted', '[1, 2, 3]')
      await page.getByRole('button', { name: 'Use these' }).click()
      await expect.poll(async () => (await requestOn(page)).logits).toEqual([1, 2, 3])
      await expectAgreement(page)
      expect(await page.textContent('#notice')).toBe('')
    }))

  it('carries the whole state in a link', () =>
    onPage(
      async (page) => {
        await page.getByText('Paste numbers').click()
        await page.fill('#pasted', '[0.1, 2.5, 1, -3]')
        await page.getByRole('button', { name: 'Use these' }).click()
        await page.setInputFiles('#words-file', {
          name: 'words.txt',
          mimeType: 'text/plain',
          buffer: Buffer.from('north\neast\nsouth\nwest\n'),
        })
        await page.fill('#temperature', '1.7')
        await page.locator('[data-sampler="top_k"] [data-move="-1"]').click()
        await page.locator('#bars .token').nth(2).click()
        await page.locator('[data-draw="10"]').click()
        await expect.poll(async () => (await requestOn(page)).n).toBe(10)
        await expectAgreement(page)
        await page.locator('[data-act="link"]').click()
        await expect
          .poll(() => page.locator('#code [role="status"]').textContent())
          .toContain('Copied')
        const link = await page.evaluate(() => navigator.clipboard.readText())

        await using other = await visit(browser, link, wide)
        await other.page.locator('.token-detail').waitFor()
        expect(await requestOn(other.page)).toEqual(await requestOn(page))
        for (const part of ['.drawn', '#bars table', '.token-detail', '#funnel']) {
          await expect
            .poll(() => other.page.locator(part).first().textContent())
            .toBe(await page.locator(part).first().textContent())
        }
        expect(other.complaints).toEqual([])
      },
      { ...wide, permissions: ['clipboard-read', 'clipboard-write'] },
    ))

  it('reports that Kelvin is gone, and recovers when it is back', async () => {
    await using visited = await visit(browser, `${server.url}/`, wide)
    const { page } = visited
    await page.locator('#bars tbody tr').first().waitFor()
    await page.route('**/v1/sample', (route) => route.abort())
    await page.fill('#temperature', '0.3')
    await expect
      .poll(() => page.locator('#dial .problem').textContent())
      .toContain('does not answer')
    await page.unroute('**/v1/sample')
    await page.fill('#temperature', '0.4')
    await expectAgreement(page)
    expect(await page.locator('#dial .problem').count()).toBe(0)
  })

  describe.each(['light', 'dark'] as const)('in the %s scheme', (colorScheme) => {
    it.each([
      narrow,
      { viewport: { width: 800, height: 900 } },
      wide,
      { viewport: { width: 2200, height: 1200 } },
    ])('fits $viewport.width px and has no barriers that axe finds', (size) =>
      onPage(
        async (page) => {
          await page.locator('[data-sampler="dry"] .title').click()
          await page.locator('#bars .token').nth(20).click()
          await page.locator('[data-draw="1000"]').click()
          for (const summary of await page.locator('summary').all()) await summary.click()
          await page.locator('.token-detail').waitFor()
          const { scrollWidth, clientWidth } = await page.evaluate(() => {
            const { scrollWidth, clientWidth } = document.documentElement
            return { scrollWidth, clientWidth }
          })
          expect(scrollWidth).toBe(clientWidth)
          const background = await page.evaluate(
            () => getComputedStyle(document.body).backgroundColor,
          )
          const light = Number(/\d+/.exec(background)![0]) > 128
          expect(light).toBe(colorScheme === 'light')
          await page.evaluate(axe.source)
          const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults
          const found = violations.map(({ id, nodes }) => [
            id,
            ...nodes.map(({ html }) => html.slice(0, 120)),
          ])
          expect(found).toEqual([])
          await page.screenshot({
            path: `${artefacts}playground-${colorScheme}-${size.viewport.width}.png`,
            fullPage: true,
          })
        },
        { ...size, colorScheme, reducedMotion: 'reduce' },
      ),
    )
  })

  it('asks for a key if the server does', async () => {
    const key = 'a-key-that-nobody-guesses'
    const locked = await startServer({ API_KEYS: key })
    try {
      await using visited = await visit(browser, `${locked.url}/`, wide)
      const { page, complaints } = visited
      const field = page.getByLabel('Key', { exact: true })
      await field.fill('another-key-of-that-kind')
      await page.keyboard.press('Enter')
      await expect.poll(() => field.inputValue()).toBe('')
      await field.fill(key)
      await page.keyboard.press('Enter')
      await page.locator('#bars tbody tr').first().waitFor()
      expect(await page.locator('dialog').isVisible()).toBe(false)
      expect(complaints.filter((text) => !/status of 401/.test(text))).toEqual([])
    } finally {
      await locked.stop()
    }
  })

  it('can be used by keyboard only', () =>
    onPage(async (page) => {
      const focused = () =>
        page.evaluate(() => {
          const { id, className, tagName } = document.activeElement!
          const holder = document.activeElement!.closest('[data-sampler]')
          return { id, className, tagName, sampler: holder?.getAttribute('data-sampler') }
        })
      const tabTo = async (isThere: (at: Awaited<ReturnType<typeof focused>>) => boolean) => {
        for (let i = 0; i < 250; i++) {
          await page.keyboard.press('Tab')
          if (isThere(await focused())) return
        }
        throw new Error('Nothing like that can be reached')
      }
      await page.keyboard.press('Tab')
      expect((await focused()).className).toBe('skip')
      await page.keyboard.press('Enter')
      await tabTo(({ id }) => id === 'temperature-slider')
      await page.keyboard.press('End')
      await expect.poll(() => page.inputValue('#temperature')).toBe('3')
      await expectAgreement(page)
      await tabTo(({ className }) => className.includes('token'))
      await page.keyboard.press('Enter')
      await page.locator('.token-detail').waitFor()

      await page.keyboard.press('Shift+Tab')
      await tabTo(({ sampler, tagName }) => sampler === 'top_k' && tagName === 'INPUT')
      await page.keyboard.press('Space')
      await expect.poll(async () => (await requestOn(page)).top_k).toBe(60)
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await tabTo(({ id }) => id === 'field-top_k')
      await page.keyboard.press('ControlOrMeta+a')
      await page.keyboard.type('3')
      await expect.poll(() => page.textContent('#kept')).toBe('3')

      // A button keeps the focus when its sampler moves.
      await tabTo(({ sampler, className }) => sampler === 'typical_p' && className === 'move')
      for (let i = 0; i < 3; i++) await page.keyboard.press('Enter')
      const before = catalogue().profiles[0]!.order.indexOf('typical_p')
      await expect
        .poll(async () => {
          const { order } = (await requestOn(page)) as { order?: string[] }
          return order?.indexOf('typical_p')
        })
        .toBe(before - 3)
      expect(await focused()).toMatchObject({ className: 'move', sampler: 'typical_p' })

      await tabTo(({ tagName, id }) => tagName === 'INPUT' && id === 'seed')
      await page.keyboard.press('Shift+Tab')
      await page.keyboard.press('Enter')
      await expect.poll(() => page.locator('.drawn').getAttribute('data-drawn')).toBe('1000')
      await expectAgreement(page)
      // Screen readers announce the result.
      await expect.poll(() => page.textContent('#status')).toMatch(/Temperature 3: 3 tokens kept/)
    }))
})

it('loads nothing from other servers', () => {
  const html = readFileSync(new URL('../../src/playground/index.html', import.meta.url), 'utf8')
  const addresses = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!)
  expect(addresses.filter((address) => !/^[/#]/.test(address))).toEqual([])
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/)
})
