import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { starter } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
afterAll(() => rmSync(folder, { recursive: true }))
const start = starter(afterAll)

const path = join(folder, 'kelvin.sock')
const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]

const programs: [string, string[]][] = [['node', ['src/healthcheck.ts']]]
if (spawnSync('perl', ['-v']).status === 0) programs.push(['perl', ['src/healthcheck.pl']])

const openTcp = start({})
const openSocket = start({ PORT: 'none', SOCKET_PATH: path })

describe.each(programs)('the probe in %s', (command, args) => {
  const probe = (environment: Record<string, string>) =>
    spawnSync(command, args, { env: { PATH: process.env.PATH, ...environment }, timeout: 5000 })
      .status

  it('connects to the address of the server', async () => {
    const { port: PORT } = new URL((await openTcp).url)
    await openSocket
    const SOCKET_PATH = path
    for (const HOST of ['127.0.0.1', '0.0.0.0', 'localhost', '']) {
      expect(probe({ PORT, HOST }), HOST).toBe(0)
    }
    expect(probe({ PORT: 'none', SOCKET_PATH })).toBe(0)
    expect(probe({ PORT, HOST: '127.0.0.1', SOCKET_PATH })).toBe(0)
  })

  it('fails if the port or the socket does not answer', async () => {
    const { port: PORT } = new URL((await openTcp).url)
    const HOST = '127.0.0.1'
    expect(probe({ PORT: '1', HOST })).toBe(1)
    expect(probe({ PORT: '1', HOST, SOCKET_PATH: path })).toBe(1)
    expect(probe({ PORT, HOST, SOCKET_PATH: '/nowhere' })).toBe(1)
  })

  it('fails from SIGTERM on, as /readyz does', async () => {
    const server = await start({ SHUTDOWN_DELAY_MS: '1500' })
    const { port: PORT } = new URL(server.url)
    const ended = server.stop()
    await expect.poll(() => probe({ PORT, HOST: '127.0.0.1' })).toBe(1)
    expect(server.process.exitCode).toBeNull()
    await ended
  })

  it('works with TLS on the port', async () => {
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    execFileSync('openssl', [...made, '-keyout', key, '-out', cert, '-subj', '/CN=x'], {
      stdio: 'ignore',
    })
    const environment = { TLS_CERT_FILE: cert, TLS_KEY_FILE: key }
    const { port: PORT } = new URL((await start(environment)).url)
    expect(probe({ PORT, HOST: '127.0.0.1', ...environment })).toBe(0)
    expect(probe({ PORT: '1', HOST: '127.0.0.1', ...environment })).toBe(1)
  })
})
