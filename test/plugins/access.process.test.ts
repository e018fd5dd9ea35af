import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'
import { starter } from '../server.ts'

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
afterAll(() => rmSync(folder, { recursive: true }))
const start = starter(afterAll)

const KEY = 'a-key-that-nobody-guesses'
const body = JSON.stringify({ logits: [1, 2, 3], seed: 1 })
const json = { 'content-type': 'application/json' }
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

describe('keys', () => {
  const file = join(folder, 'keys')
  writeFileSync(file, `# for the tests\n\n${KEY}-2\n`)
  const app = testApp({ API_KEYS: `${KEY}, another-${KEY}`, API_KEYS_FILE: file })

  it.each([
    ['none', {}, 401, /Expected Authorization/],
    ['an unknown one', bearer('a-key-that-somebody-guessed'), 401, /Unknown key/],
    ['a beginning', bearer(KEY.slice(0, -1)), 401, /Unknown key/],
    ['another scheme', { authorization: `Basic ${KEY}` }, 401, /Expected Authorization/],
    ['the first', bearer(KEY), 200, undefined],
    ['the second', bearer(`another-${KEY}`), 200, undefined],
    ['one of the file', { authorization: `bearer ${KEY}-2` }, 200, undefined],
  ])('%s', async (_, headers, status, words) => {
    for (const url of ['/v1/sample', '/v2/models/sample/infer']) {
      const payload = url.startsWith('/v1')
        ? body
        : JSON.stringify({
            inputs: [{ name: 'logits', shape: [3], datatype: 'FP32', data: [1, 2, 3] }],
          })
      const response = await (await app).inject({
        method: 'POST',
        url,
        headers: { ...json, ...headers },
        payload,
      })
      expect(response.statusCode).toBe(status)
      if (!words) continue
      expect(response.headers['www-authenticate']).toBe('Bearer')
      const { detail, error } = response.json()
      expect(detail ?? error).toMatch(words)
    }
  })

  it('are needed for everything except probes and, by default, pages', async () => {
    const status = async (url: string) => (await (await app).inject({ url })).statusCode
    for (const url of ['/livez', '/readyz', '/v2/health/live', '/v2/health/ready']) {
      expect(await status(url), url).toBe(200)
    }
    for (const url of ['/', '/docs', '/openapi.json']) expect(await status(url), url).toBe(200)
    for (const url of ['/v1/info', '/v1/samplers', '/v2', '/nowhere']) {
      expect(await status(url), url).toBe(401)
    }
  })

  it.each([
    ['key', '', 401],
    ['key', KEY, 200],
    ['off', KEY, 404],
  ])('are needed for pages if DOCS_ACCESS=%s', async (DOCS_ACCESS, key, status) => {
    const closed = await testApp({ API_KEYS: KEY, DOCS_ACCESS })
    for (const url of ['/', '/docs', '/openapi.json', '/playground/main.js']) {
      const { statusCode } = await closed.inject({ url, headers: bearer(key) })
      expect(statusCode, url).toBe(status)
    }
    if (status !== 404) return
    const { detail } = (await closed.inject({ url: '/no/where', headers: bearer(key) })).json()
    expect(detail).not.toContain('/docs')
  })

  describe('may be exchanged for a cookie that opens pages', () => {
    const asPerson = { accept: 'text/html,*/*' }
    const signIn = (app: Awaited<ReturnType<typeof testApp>>, key: string) =>
      app.inject({ method: 'POST', url: '/sign-in', headers: bearer(key) })

    it('and nothing else', async () => {
      const closed = await testApp({ API_KEYS: KEY, DOCS_ACCESS: 'key' })
      const asked = await closed.inject({ url: '/', headers: asPerson })
      expect(asked.statusCode).toBe(401)
      expect(asked.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(asked.headers['content-security-policy']).not.toMatch(/unsafe|\*/)
      for (const [, file] of asked.body.matchAll(/(?:href|src)="([^"]+)"/g)) {
        expect((await closed.inject({ url: file! })).statusCode, file).toBe(200)
      }
      expect((await closed.inject({ url: '/docs', headers: asPerson })).body).toBe(asked.body)
      expect((await signIn(closed, `${KEY}-x`)).statusCode).toBe(401)
      const { statusCode, headers } = await signIn(closed, KEY)
      expect(statusCode).toBe(204)
      expect(headers['set-cookie']).toMatch(
        /^kelvin_pages=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
      )
      const cookie = String(headers['set-cookie']).split(';')[0]!
      expect(cookie).not.toContain(KEY)
      const status = async (url: string, method: 'GET' | 'POST' = 'GET') =>
        (await closed.inject({ url, method, headers: { cookie } })).statusCode
      for (const url of ['/', '/docs', '/openapi.json']) expect(await status(url), url).toBe(200)
      for (const url of ['/v1/info', '/v1/samplers']) expect(await status(url), url).toBe(401)
      for (const url of ['/v1/sample', '/sign-in']) expect(await status(url, 'POST'), url).toBe(401)
      const forged = await closed.inject({ url: '/', headers: { cookie: `${cookie}x` } })
      expect(forged.statusCode).toBe(401)
    })

    it('only where pages need a key', async () => {
      for (const DOCS_ACCESS of ['public', 'off']) {
        const open = await testApp({ API_KEYS: KEY, DOCS_ACCESS })
        expect((await signIn(open, KEY)).statusCode).toBe(404)
      }
    })

    it('that ends with its key', async () => {
      const before = await testApp({ API_KEYS: KEY, DOCS_ACCESS: 'key' })
      const cookie = String((await signIn(before, KEY)).headers['set-cookie']).split(';')[0]!
      const after = await testApp({ API_KEYS: `${KEY}-other`, DOCS_ACCESS: 'key' })
      expect((await after.inject({ url: '/', headers: { cookie } })).statusCode).toBe(401)
    })
  })

  it('are read again when their file changes', async () => {
    const path = join(folder, 'changing')
    writeFileSync(path, `${KEY}-old\n`)
    const changing = await testApp({ API_KEYS_FILE: path })
    const status = async (key: string) =>
      (await changing.inject({ url: '/v1/info', headers: bearer(key) })).statusCode
    expect(await status(`${KEY}-old`)).toBe(200)
    writeFileSync(path, `${KEY}-new\n`)
    await expect.poll(() => status(`${KEY}-new`), { timeout: 10_000 }).toBe(200)
    expect(await status(`${KEY}-old`)).toBe(401)
    writeFileSync(path, 'short\n')
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(await status(`${KEY}-new`)).toBe(200)
  })

  it('are in no log, help or error', async () => {
    const server = await start({ API_KEYS: KEY, LOG_LEVEL: 'trace' })
    const headers = { ...json, ...bearer(KEY) }
    await fetch(`${server.url}/v1/sample`, { method: 'POST', headers, body })
    await fetch(`${server.url}/v1/sample`, { method: 'POST', headers: bearer(`${KEY}-x`), body })
    await expect.poll(() => server.lines.filter((line) => /"request"/.test(line)).length).toBe(2)
    expect(server.lines.join('\n')).not.toContain(KEY)
    const env = { ...process.env, API_KEYS: 'short-secret, x' }
    for (const options of [['--help'], []]) {
      const { stdout, stderr } = spawnSync('node', ['src/server.ts', ...options], { env })
      expect(`${stdout}${stderr}`).toContain('API_KEYS')
      expect(`${stdout}${stderr}`).not.toContain('short-secret')
    }
  })
})
