import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'
import { ask, halfSent } from '../http.ts'
import { starter } from '../server.ts'

const startOne = starter(afterAll)

async function start(environment: Record<string, string> = {}) {
  const server = await startOne(environment)
  const { where } = server
  return { ...server, metrics: async () => parse((await ask(where, '/metrics')).body) }
}

/** The samples of a metrics page, by name and labels. */
function parse(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

const logits = [1, 2, 3]
const sample = (more: object) => JSON.stringify({ logits, seed: 1, ...more })
const infer = JSON.stringify({
  inputs: [{ name: 'logits', shape: [2, 3], datatype: 'FP32', data: [...logits, ...logits] }],
})

describe('metrics', () => {
  it('count requests and results', async () => {
    const { where, metrics } = await start({ MAX_QUEUE: '0' })
    await ask(where, '/v1/sample', sample({ n: 5, temperature: 3 }))
    await ask(where, '/v1/sample', sample({ logits: [logits, logits] }))
    await ask(where, '/v1/sample', '{"logits":["x"]}')
    await ask(where, '/v2/models/sample/infer', infer)
    await ask(where, '/nowhere?with=id-123')
    for (const page of ['/', '/playground/main.js', '/docs']) await ask(where, page)
    const first = await halfSent(where)
    const found = await metrics()
    const value = (name: string) => found.get(name)
    expect(value('kelvin_http_requests_total{method="POST",route="/v1/sample",status="2xx"}')).toBe(
      2,
    )
    expect(value('kelvin_http_requests_total{method="POST",route="/v1/sample",status="4xx"}')).toBe(
      1,
    )
    expect(value('kelvin_http_requests_total{method="GET",route="none",status="4xx"}')).toBe(1)
    const ofPages = [...found].filter(([name]) =>
      /requests_total.*route="(docs|.*playground)/.test(name),
    )
    expect(ofPages.map(([name]) => /route="([^"]*)/.exec(name)![1])).toContain('docs')
    expect(ofPages.filter(([name]) => name.includes('playground'))).toEqual([])
    expect(value('kelvin_http_requests_refused_total{reason="queue"}')).toBe(0)
    expect(value('kelvin_queued_requests')).toBe(0)
    expect(value('kelvin_queue_wait_seconds')).toBeGreaterThanOrEqual(0)
    expect(value('kelvin_rows_total{transport="json"}')).toBe(3)
    expect(value('kelvin_rows_total{transport="infer_json"}')).toBe(2)
    expect(value('kelvin_tokens_drawn_total{transport="json"}')).toBe(7)
    expect(value('kelvin_warnings_total{code="HIGH_TEMPERATURE"}')).toBe(1)
    expect(value('kelvin_inflight_requests')).toBe(1)
    expect(value('kelvin_inflight_bytes')).toBe(5)
    for (const phase of ['decode', 'compute', 'encode']) {
      expect(value(`kelvin_${phase}_duration_seconds_count{transport="json"}`)).toBe(2)
      expect(value(`kelvin_${phase}_duration_seconds_sum{transport="json"}`)).toBeGreaterThan(0)
    }
    expect([...found.keys()].join()).not.toContain('id-123')
    expect([...found.keys()].find((name) => name.startsWith('kelvin_build_info'))).toMatch(
      /version="\d+\.\d+\.\d+".*node_version="v\d+/,
    )
    first.socket.destroy()
    await expect.poll(async () => (await metrics()).get('kelvin_inflight_requests')).toBe(0)
    const aborted = 'kelvin_http_requests_total{method="POST",route="/v1/sample",status="aborted"}'
    expect((await metrics()).get(aborted)).toBe(1)
  })

  it('are those of all workers, whichever answers', async () => {
    const { where, metrics } = await start({ WORKERS: '2' })
    for (let i = 0; i < 40; i++) await ask(where, '/v1/sample', sample({}))
    for (let i = 0; i < 6; i++) {
      expect((await metrics()).get('kelvin_rows_total{transport="json"}')).toBe(40)
    }
  })

  it('have names and forms by the rules of Prometheus', async (context) => {
    if (spawnSync('promtool', ['--version']).error) context.skip('promtool is not here')
    const { where } = await start()
    await ask(where, '/v1/sample', sample({ temperature: 3 }))
    const { body } = await ask(where, '/metrics')
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: body })
    expect(`${stdout}${stderr}`).toBe('')
    expect(status).toBe(0)
  })

  it.each([
    ['public', '', 200],
    ['key', '', 401],
    ['key', 'a-key-that-nobody-guesses', 200],
    ['off', 'a-key-that-nobody-guesses', 404],
  ])('are open with METRICS_ACCESS=%s and the key "%s"', async (METRICS_ACCESS, key, status) => {
    const app = await testApp({ METRICS_ACCESS, API_KEYS: 'a-key-that-nobody-guesses' })
    const headers = { authorization: `Bearer ${key}` }
    expect((await app.inject({ url: '/metrics', headers })).statusCode).toBe(status)
  })

  it('include all that the dashboard shows', async () => {
    const { where } = await start()
    await ask(where, '/v1/sample', sample({ temperature: 3 }))
    const { body } = await ask(where, '/metrics')
    const names = new Set([...parse(body).keys()].map((name) => name.split('{')[0]))
    const dashboard = JSON.parse(readFileSync('deploy/grafana/kelvin.json', 'utf8'))
    const expressions: string[] = dashboard.panels.flatMap(
      ({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr),
    )
    const shown = new Set(
      expressions.flatMap((expr) => expr.match(/\b(kelvin|process|nodejs)_\w+/g) ?? []),
    )
    expect(shown.size).toBeGreaterThan(10)
    expect([...shown].filter((name) => !names.has(name))).toEqual([])
    const own = [...names].filter(
      (name) => name!.startsWith('kelvin_') && !/_(sum|count|bucket)$/.test(name!),
    )
    expect(own.filter((name) => !shown.has(name!))).toEqual([])
  })
})

it('an answer has the time of each phase', async () => {
  const app = await testApp()
  const headers = { 'content-type': 'application/json' }
  for (const [url, payload] of [
    ['/v1/sample', sample({})],
    ['/v2/models/sample/infer', infer],
  ]) {
    const response = await app.inject({ method: 'POST', url: url!, headers, payload: payload! })
    const pattern = /^decode;dur=(\d+\.\d{3}), compute;dur=(\d+\.\d{3}), encode;dur=(\d+\.\d{3})$/
    expect(response.headers['server-timing']).toMatch(pattern)
  }
})
