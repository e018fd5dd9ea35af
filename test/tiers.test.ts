import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const files = globSync('test/**/*.test.ts', { cwd: root }).sort()
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** Folders of tests that belong to no folder of src; see README.md. */
const ofTheWhole = ['browser', 'fuzz', 'generated', 'golden', 'refusals']

describe('a test is where its source is', () => {
  it.each([...new Set(files.map(dirname))])('%s', (folder) => {
    const own = folder.replace(/^test\/?/, '')
    expect(ofTheWhole.includes(own) || existsSync(join(root, 'src', own)), own).toBe(true)
  })
})

describe('a test of the fast tier starts no process', () => {
  const starting =
    /^import (?!type ).*'(node:child_process|node:cluster|playwright-core|[./]+(server|servers|execute|target|browser)\.ts)'/m
  const fast = files.filter((file) => !/\.(process|ci)\.test\.ts$/.test(file))
  // This test starts processes to see that they are refused.
  const itself = 'test/no-process.test.ts'

  it.each(fast.filter((file) => file !== itself))('%s', (file) => {
    expect(starting.exec(read(file))?.[0]).toBeUndefined()
  })
})

it.each(files)('%s asserts no upper bound of elapsed time', (file) => {
  expect(/\b(performance|Date)\.now\(\)[^\n]*toBeLess/.exec(read(file))?.[0]).toBeUndefined()
})
