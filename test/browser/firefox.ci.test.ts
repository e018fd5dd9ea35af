import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Server, startServer } from '../server.ts'
import { hasFirefox, openFirefox } from './firefox.ts'

const artefacts = new URL('../artefacts/', import.meta.url).pathname

describe.runIf(hasFirefox)('in Firefox, the playground', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server?.stop())

  it.each([
    { width: 1440, height: 900 },
    { width: 375, height: 812 },
  ])('shows the opening minute at $width px', { timeout: 90_000 }, async (size) => {
    await using firefox = await openFirefox(size)
    const { evaluate, goto } = firefox
    await goto(`${server.url}/`)
    const text = (selector: string) =>
      evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`)
    const count = async (selector: string) =>
      Number(
        await evaluate(`String(document.querySelectorAll(${JSON.stringify(selector)}).length)`),
      )
    const slow = { timeout: 20_000 }
    await expect.poll(() => count('#text .written'), slow).toBeGreaterThan(20)
    expect(await count('#bars tbody tr[data-token]')).toBeGreaterThanOrEqual(8)
    expect(await text('#formula')).toMatch(/p\(.*\) =/)
    const overhang =
      'const { scrollWidth, clientWidth } = document.documentElement; String(scrollWidth - clientWidth)'
    expect(await evaluate(overhang)).toBe('0')
    writeFileSync(`${artefacts}firefox-${size.width}.png`, await firefox.screenshot())

    const write = (value: string) =>
      evaluate(`{
        const input = document.querySelector('#temperature')
        input.value = ${JSON.stringify(value)}
        input.dispatchEvent(new InputEvent('input', { bubbles: true }))
        ''
      }`)
    await write('0')
    await expect.poll(() => text('#caption'), slow).toContain('always the likeliest word')
    await expect.poll(() => text('#written-at'), slow).toBe('0')
    await write('∞')
    await expect.poll(() => text('#caption'), slow).toContain('All words alike')
    await write('0.4')
    await expect.poll(() => text('#caption'), slow).toContain('Sharper')
    await expect.poll(() => text('#written-at'), slow).toBe('0.4')
    await expect.poll(() => count('#text .written:not(.old)'), slow).toBeGreaterThan(6)
    await evaluate(`document.querySelectorAll('#text .written')[4].click(), ''`)
    await expect.poll(() => count('#bars .stale'), slow).toBe(0)
    await evaluate(`document.querySelector('#bars tbody tr:not(.taken) .token').click(), ''`)
    await expect.poll(() => text('#bars .path'), slow).toContain('the draw took')
    expect(firefox.complaints).toEqual([])
  })
})
