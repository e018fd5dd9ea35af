import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { describeConfig } from '../../src/config.ts'
import { sampleOperation } from '../../src/request/operations.ts'
import { execute } from '../execute.ts'
import { readRow } from '../golden/read.ts'
import { type Server, startServer } from '../server.ts'

const root = new URL('../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const socket = join(folder, 'kelvin.sock')
const row = readRow({ file: 'stories260k', row: 8 })

/** A file in the format of numpy.save. */
function npy(name: string, descr: string, shape: string, data: Uint8Array): string {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`
  const header = `${text.padEnd(117)}\n`
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length, 0])
  return file(name, Buffer.concat([head, Buffer.from(header), data]))
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength)
const one = npy('one.npy', '<f4', '512,', bytes)
const two = npy('two.npy', '<f4', '2, 512', Buffer.concat([bytes, bytes]))

async function kelvin(args: string[], input?: Uint8Array) {
  const command = ['node', 'bin/kelvin.js', ...args]
  const { stdout: out, stderr: error, status } = await execute(command, { cwd: root }, input)
  return { out, error, status }
}

let server: Server
beforeAll(async () => {
  server = await startServer({ SOCKET_PATH: socket, API_KEYS: 'a-key-of-sixteen-bytes' })
  process.env.KELVIN_API_KEY = 'a-key-of-sixteen-bytes'
})
afterAll(async () => {
  delete process.env.KELVIN_API_KEY
  await server.stop()
  rmSync(folder, { recursive: true })
})

const asked = ['--temperature', '0.7', '--top-p', '0.9', '--n', '3', '--seed', '5']

async function answer() {
  const request = { logits: Array.from(row), temperature: 0.7, top_p: 0.9, n: 3, seed: 5 }
  const response = await fetch(`${server.url}/v1/sample`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer a-key-of-sixteen-bytes',
    },
    body: JSON.stringify(request),
  })
  return response.json()
}

describe('kelvin sample', () => {
  it.each<[string, string[], Uint8Array?]>([
    ['.npy', [one]],
    ['standard input', ['-'], bytes],
    ['JSON', [file('row.json', JSON.stringify(Array.from(row)))]],
    ['a request', [file('request.json', JSON.stringify({ logits: Array.from(row), n: 9 }))]],
    [
      'a request with a tensor',
      [
        file(
          'tensor.json',
          JSON.stringify({
            logits: { dtype: 'float32', shape: [512], data: bytes.toString('base64') },
          }),
        ),
      ],
    ],
    ['JSON with a mark', [file('mark.json', `\u{feff}${JSON.stringify(Array.from(row))}`)]],
    ['bytes', [file('row.f32', bytes), '--dtype', 'float32']],
    ['float64', [npy('one.f64.npy', '<f8', '512,', Buffer.from(Float64Array.from(row).buffer))]],
  ])('answers as the server does, from %s', async (name, args, input) => {
    const options = name === 'standard input' ? ['--dtype', 'float32'] : []
    const { out, error, status } = await kelvin(
      ['sample', ...args, ...asked, ...options, '--json'],
      input,
    )
    expect({ error, status }).toEqual({ error: '', status: 0 })
    expect(JSON.parse(out)).toEqual(await answer())
  })

  it('takes the fields of a request, and options before them', async () => {
    const request = { logits: { vocab_size: 9, token_ids: [4, 5], values: [2, 1] }, n: 2, seed: 1 }
    const path = file('sparse.json', JSON.stringify(request))
    const { out } = await kelvin(['sample', path, '--n', '3', '--json'])
    const { results } = JSON.parse(out)
    expect(results[0].token_ids).toHaveLength(3)
    expect(results[0].seed).toBe('1')
  })

  it('reads values as a query does, and a repeated option as a list', async () => {
    const path = file('few.json', '[2,1,0.5]')
    const args = ['--temperature', '.5', '--top-k', '2.', '--seed', '1e+05', '--json']
    const twice = ['--logprob-token-ids', '0', '--logprob-token-ids', '1,2']
    const others = ['--guidance-scale', '2', '--unconditional-logits', '1,0,-inf']
    const { out, status } = await kelvin(['sample', path, ...args, ...twice, ...others])
    expect(status).toBe(0)
    const { results } = JSON.parse(out)
    expect(results[0]).toMatchObject({
      kept_count: 2,
      seed: '100000',
      scored: { token_ids: [0, 1, 2] },
    })
  })

  it.each([
    ['TCP', () => server.url],
    ['a Unix socket', () => `unix:${socket}`],
  ])('asks a server over %s', async (_, url) => {
    const args = ['sample', one, ...asked, '--json', '--url', url()]
    const { out, error, status } = await kelvin(args)
    expect({ error, status }).toEqual({ error: '', status: 0 })
    expect(JSON.parse(out)).toEqual(await answer())
  })

  it('prints a chart, and what each sampler removed', async () => {
    const { results } = (await answer()) as { results: { token_ids: number[] }[] }
    const local = await kelvin(['sample', one, ...asked, '--trace', '--watch-token-ids', '376,5'])
    expect(local.status).toBe(0)
    const lines = local.out.split('\n')
    expect(lines[0]).toMatch(new RegExp(`^drawn ${results[0]!.token_ids[0]} \\(-\\d`))
    expect(lines[1]).toMatch(/^3 tokens kept, entropy 0\.3434 nats; seed 5, stream 0, step 0$/)
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}376 {2}0\.9170 {2}█{50}$/))
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}370 {2}0\.0448 {2}██▌$/))
    expect(lines).toContainEqual(expect.stringMatching(/^top_p +512 +3 +0\.0650 +0\.3434$/))
    expect(lines).toContainEqual(
      expect.stringMatching(/^token 376: [\d.]+ → kept with 91\.\d+ %, rank 1, (not )?drawn$/),
    )
    expect(lines).toContainEqual(
      expect.stringMatching(/^token 5: -?[\d.]+ → top_p needs [\d.]+ → out$/),
    )
    const remote = await kelvin([
      'sample',
      one,
      ...asked,
      '--trace',
      '--watch-token-ids',
      '376,5',
      '--url',
      server.url,
    ])
    expect(remote.out).toBe(local.out)
  })

  it('prints a part for each row, with its warnings', async () => {
    const { out } = await kelvin(['sample', two, '--temperature', '3', '--seed', '1'])
    expect(out.match(/^row \d$/gm)).toEqual(['row 0', 'row 1'])
    expect(out.match(/^warning: temperature 3/gm)).toHaveLength(2)
  })

  it.each<[string, string[], RegExp]>([
    ['no file', ['/nowhere.npy'], /no such file.*nowhere/],
    ['a file of anything', [file('text', 'hello')], /neither \.npy nor JSON/],
    ['other JSON', [file('other.json', '{"a":1}')], /no "logits"/],
    ['UTF-16', [file('wide.json', Buffer.from('\u{feff}[1,2]', 'utf16le'))], /UTF-16; .* UTF-8/],
    ['half of JSON', [file('half.json', '[1,2')], /not valid JSON/],
    ['texts', [file('texts.json', '["a"]')], /a/],
    ['an unknown field', [file('field.json', '{"logits":[1],"top_q":1}')], /"top_q"/],
    ['integers', [npy('ints.npy', '<i4', '512,', bytes)], /elements are i4/],
    [
      'too few bytes',
      [file('odd', 'abcde'), '--dtype', 'float64'],
      /5 bytes are not a row of float64/,
    ],
    [
      'NaN',
      [file('nan.f32', Buffer.from(Float32Array.of(1, Number.NaN).buffer)), '--dtype', 'float32'],
      /NaN/,
    ],
    ['a bad field', [one, '--temperature=-1'], /\/temperature: .*-1/],
    [
      'a number in words',
      [one, '--temperature', 'hot'],
      /\/temperature: Expected a number, got "hot"/,
    ],
    ['nobody', [one, '--url', 'http://127.0.0.1:9'], /Cannot reach http:\/\/127\.0\.0\.1:9/],
  ])('exits with 1: %s', async (_, args, words) => {
    const { out, error, status } = await kelvin(['sample', ...args])
    expect({ out, status }).toEqual({ out: '', status: 1 })
    expect(error).toMatch(words)
    expect(error).toMatch(/^kelvin sample: .*\n$/)
  })

  it.each<[string, string[]]>([
    ['no file', []],
    ['two files', [one, two]],
    ['an unknown option', [one, '--tempreature', '1']],
    ['an option without its value', [one, '--top-k']],
    ['two values for one', [one, '--top-k', '1', '--top-k', '2']],
    ['what is no JSON', [one, '--logit-bias', '{']],
    ['an unknown type', [one, '--dtype', 'int8']],
    ['what is no URL', [one, '--url', 'localhost']],
    ['another protocol', [one, '--url', 'ftp://localhost']],
  ])('exits with 2: %s', async (_, args) => {
    const { out, error, status } = await kelvin(['sample', ...args])
    expect({ out, status }).toEqual({ out: '', status: 2 })
    expect(error).toMatch(/Try kelvin sample --help\n$/)
  })

  it('takes a negative value after a space', async () => {
    const spaced = await kelvin(['sample', one, '--seed', '1', '--top-k', '-1', '--json'])
    const joined = await kelvin(['sample', one, '--seed', '1', '--top-k=-1', '--json'])
    expect(spaced).toEqual({ ...joined, status: 0 })
  })

  it.each([
    ['--tempreature', /unknown option --tempreature; did you mean --temperature\?/],
    ['--rep-pen', /did you mean --repetition-penalty\?/],
    ['--max-tokens', /Kelvin draws one step/],
    ['--foo', /unknown option --foo\n/],
  ])('suggests a correction of %s', async (option, words) => {
    expect((await kelvin(['sample', one, option, '1'])).error).toMatch(words)
  })

  it('prints no error if its reader closes the pipe', async () => {
    const command = `node bin/kelvin.js sample ${one} --json | head -1`
    const { stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: root, encoding: 'utf8' })
    expect({ stdout, stderr }).toEqual({ stdout: '{\n', stderr: '' })
  })

  it('has every field as an option in --help', async () => {
    const { out } = await kelvin(['sample', '--help'])
    for (const field of Object.keys(sampleOperation.Fields.shape)) {
      expect(out).toMatch(new RegExp(`^ {2}--${field.replaceAll('_', '-')}\\b`, 'm'))
    }
  })
})

describe('kelvin serve', () => {
  it('takes flags for variables, also with workers', async () => {
    const path = join(folder, 'served.sock')
    const args = ['serve', '--port', 'none', '--socket-path', path, '--workers', '2']
    const child = spawn('node', ['bin/kelvin.js', ...args], { cwd: root })
    const lines: string[] = []
    for await (const line of child.stdout) {
      lines.push(String(line))
      if (lines.join('').includes('2 workers are listening')) break
    }
    const { status } = await kelvin(['sample', one, '--url', `unix:${path}`])
    expect(status).toBe(0)
    child.kill('SIGTERM')
    expect((await once(child, 'exit'))[0]).toBe(0)
  })

  it('prints faults, and has no flag for secrets', async () => {
    const faulty = await kelvin(['serve', '--port', '99999'])
    expect(faulty.status).toBe(1)
    expect(faulty.error).toMatch(/PORT=99999: .*65535/)
    const { out } = await kelvin(['serve', '--help'])
    for (const { name, isSecret } of describeConfig()) {
      const flag = `  --${name.toLowerCase().replaceAll('_', '-')} VALUE`
      expect(out.includes(flag)).toBe(!isSecret)
    }
  })
})

describe('kelvin', () => {
  it('prints its help and its version', async () => {
    expect((await kelvin(['--version'])).out).toBe(`${manifest.version}\n`)
    const help = await kelvin(['--help'])
    expect(help.status).toBe(0)
    expect(help.out).toMatch(/serve .*\n.*sample/)
    const nothing = await kelvin([])
    expect(nothing).toMatchObject({ status: 2, error: help.out })
    expect(await kelvin(['smaple'])).toMatchObject({ status: 2, out: '' })
  })
})
