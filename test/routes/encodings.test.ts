import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'

const app = await testApp()

const decompressors: Record<string, (bytes: Buffer) => Buffer> = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  identity: (bytes) => bytes,
}

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })

describe('answers are compressed as the client accepts', () => {
  it.each([
    ['/openapi.json', undefined, 'identity'],
    ['/openapi.json', 'gzip, deflate, br, zstd', 'br'],
    ['/openapi.json', 'gzip', 'gzip'],
    ['/openapi.json', 'GZIP', 'gzip'],
    ['/openapi.json', 'gzip;q=1.0, br;q=0.5', 'gzip'],
    ['/openapi.json', 'gzip;q=0', 'identity'],
    ['/openapi.json', 'br;q=0, gzip;q=0.1', 'gzip'],
    ['/openapi.json', 'identity, gzip;q=0.5', 'identity'],
    ['/openapi.json', 'deflate', 'identity'],
    ['/openapi.json', '*;q=0', 'identity'],
    ['/metrics', undefined, 'identity'],
    ['/metrics', 'gzip', 'gzip'],
    ['/metrics', 'br', 'identity'],
    ['/metrics', 'gzip;q=0, identity', 'identity'],
    ['/playground/main.js', 'gzip;q=0.8, br;q=0.1', 'gzip'],
    ['/playground/main.js', 'gzip;q=0', 'identity'],
  ])('%s for a client of %s: %s', async (url, accepted, encoding) => {
    const plain = await get(url)
    const response = await get(url, accepted === undefined ? {} : { 'accept-encoding': accepted })
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-encoding'] ?? 'identity').toBe(encoding)
    expect(response.headers.vary).toBe('accept-encoding')
    expect(response.headers['content-type']).toBe(plain.headers['content-type'])
    const content = decompressors[encoding]!(response.rawPayload).toString()
    if (url === '/metrics') expect(content).toContain('kelvin_build_info{')
    else expect(content).toBe(plain.body)
    if (encoding !== 'identity') {
      expect(response.rawPayload.length).toBeLessThan(plain.rawPayload.length / 2)
    }
  })
})

describe('the OpenAPI document is cached', () => {
  it('has one ETag in all encodings, and another for other content', async () => {
    const [plain, compressed, page] = await Promise.all([
      get('/openapi.json'),
      get('/openapi.json', { 'accept-encoding': 'br' }),
      get('/'),
    ])
    expect(plain.headers.etag).toMatch(/^W\/"[\w-]{22}"$/)
    expect(compressed.headers.etag).toBe(plain.headers.etag)
    expect(page.headers.etag).not.toBe(plain.headers.etag)
  })

  it('is not sent again to a client that has it', async () => {
    const { etag } = (await get('/openapi.json')).headers as { etag: string }
    const strong = etag.replace('W/', '')
    for (const known of [etag, strong, '*', `"other", ${etag}`, `${strong},"other"`]) {
      const response = await get('/openapi.json', { 'if-none-match': known })
      expect(response.statusCode, known).toBe(304)
      expect(response.body).toBe('')
      expect(response.headers.etag).toBe(etag)
      expect(response.headers).not.toHaveProperty('content-encoding')
    }
    for (const known of ['"other"', strong.slice(1, -1), `x${etag}`, '']) {
      const response = await get('/openapi.json', { 'if-none-match': known })
      expect(response.statusCode, known).toBe(200)
      expect(response.json()).toHaveProperty('openapi')
    }
  })

  it('answers HEAD', async () => {
    const { headers } = await get('/openapi.json')
    const response = await app.inject({ method: 'HEAD', url: '/openapi.json' })
    expect(response.statusCode).toBe(200)
    expect(response.headers.etag).toBe(headers.etag)
    expect(response.headers['content-length']).toBe(headers['content-length'])
  })
})
