import { execFile, execFileSync, execSync, fork, spawn, spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

it.each<[string, () => unknown]>([
  ['spawn', () => spawn('true')],
  ['execFile', () => execFile('true', () => {})],
  ['fork', () => fork('true')],
  ['spawnSync', () => spawnSync('true')],
  ['execFileSync', () => execFileSync('true')],
  ['execSync', () => execSync('true')],
])('no test of the fast tier starts a process by %s', (_, start) => {
  expect(start).toThrow(/\*\.process\.test\.ts/)
})
