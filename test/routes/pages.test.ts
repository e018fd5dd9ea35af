import { describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'

describe('pages', () => {
  it.each(['/', '/docs', '/playground/main.js'])(
    '%s cannot be framed by other sites',
    async (url) => {
      const app = await testApp()
      const { headers } = await app.inject({ url })
      expect(headers['content-security-policy']).toMatch(/frame-ancestors 'self'/)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['access-control-allow-origin']).toBeUndefined()
    },
  )
})
