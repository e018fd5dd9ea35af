import { expect, it } from 'vitest'
import { testApp } from '../app.ts'

const app = await testApp()

async function typeFor(accept: string | undefined, url = '/v1/probabilities') {
  const headers = accept === undefined ? {} : { accept }
  const payload = { logits: [1, 2] }
  const { statusCode, headers: answered } = await app.inject({
    method: 'POST',
    url,
    headers,
    payload,
  })
  return statusCode === 200 ? String(answered['content-type']).split(';')[0] : statusCode
}

const JSON_TYPE = 'application/json'
const OCTETS = 'application/octet-stream'

it.each([
  [undefined, JSON_TYPE],
  ['', JSON_TYPE],
  ['*/*', JSON_TYPE],
  ['application/*', JSON_TYPE],
  ['application/json; charset=utf-8', JSON_TYPE],
  ['APPLICATION/JSON;charset=utf-8;q=0.9', JSON_TYPE],
  ['application/octet-stream;x=1', OCTETS],
  ['application/json;q=0.5, application/octet-stream', OCTETS],
  ['application/octet-stream;q=0.5, */*', JSON_TYPE],
  ['text/html, application/json;q=0', 406],
  ['text/html', 406],
])('Accept: %s is answered with %s', async (accept, answer) => {
  expect(await typeFor(accept)).toBe(answer)
})

it('/v1/sample has no answer in bytes', async () => {
  expect(await typeFor(OCTETS, '/v1/sample')).toBe(406)
})
