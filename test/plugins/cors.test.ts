import { describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'

const KEY = 'a-key-that-nobody-guesses'
const body = JSON.stringify({ logits: [1, 2, 3], seed: 1 })
const json = { 'content-type': 'application/json' }
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

describe('another origin', () => {
  const origin = 'https://page.example'
  const preflight = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  }

  it('is not allowed by default', async () => {
    const app = await testApp()
    const response = await app.inject({ method: 'OPTIONS', url: '/v1/sample', headers: preflight })
    expect(response.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('is allowed if CORS_ORIGINS names it', async () => {
    const app = await testApp({ CORS_ORIGINS: `https://other.example, ${origin}`, API_KEYS: KEY })
    const options = await app.inject({ method: 'OPTIONS', url: '/v1/sample', headers: preflight })
    expect(options.statusCode).toBe(204)
    expect(options.headers['access-control-allow-origin']).toBe(origin)
    const headers = { ...json, ...bearer(KEY), origin }
    const answer = await app.inject({ method: 'POST', url: '/v1/sample', headers, payload: body })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBe(origin)
    const stranger = await app.inject({
      url: '/v1/info',
      headers: { origin: 'https://evil.example' },
    })
    expect(stranger.headers['access-control-allow-origin']).toBeUndefined()
  })
})
