import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { execute } from '../execute.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('imports only its memory, and equals its compiled source', async () => {
  const binary = readFileSync(join(root, 'src/kernel/kernel.wasm'))
  expect(WebAssembly.Module.imports(new WebAssembly.Module(binary))).toEqual([
    { module: 'env', name: 'memory', kind: 'memory' },
  ])
  const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
  const target = join(folder, 'kernel.wasm')
  const build = manifest.scripts['build:kernel']
  const command = build.replace('src/kernel/kernel.wasm', target)
  const PATH = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`
  const env = { ...process.env, PATH }
  const { stderr, status } = await execute(['sh', '-c', command], { cwd: root, env })
  expect(status, stderr).toBe(0)
  expect(readFileSync(target).equals(binary)).toBe(true)
  expect(binary.length).toBeLessThan(20_000)
  rmSync(folder, { recursive: true })
})
