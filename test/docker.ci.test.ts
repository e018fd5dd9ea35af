import { spawnSync } from 'node:child_process'
import { afterAll, describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url).pathname

function docker(...args: string[]) {
  return spawnSync('docker', args, { cwd: root, encoding: 'utf8' })
}

describe.runIf(docker('info').status === 0)('docker compose', () => {
  afterAll(() => {
    docker('compose', 'down', '--volumes')
  })

  it('starts healthy, and the other service gets its token', { timeout: 300_000 }, async () => {
    const up = docker('compose', 'up', '--build', '--wait')
    expect(up.status, up.stderr).toBe(0)
    await expect
      .poll(() => docker('compose', 'logs', 'model').stdout, { timeout: 20_000 })
      .toContain('"token_ids"')
  })
})
