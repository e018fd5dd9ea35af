import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

/** Every relative link of every page leads to a file, and every anchor to a heading. */

const root = new URL('..', import.meta.url).pathname
const isOther = (path: string) => /(^|\/)(node_modules|dist|artefacts)$/.test(path)
const pages = globSync('**/*.md', { cwd: root, exclude: isOther }).sort()

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const withoutCode = (text: string) => text.replaceAll(/^```.*?^```$/gms, '')

/** Anchors of headings as GitHub makes them. */
function anchorsOf(path: string): string[] {
  return [...withoutCode(read(path)).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function linksOf(path: string): string[] {
  return [...withoutCode(read(path)).matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)].map(([, link]) => link!)
}

it('finds the pages', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/glossary.md', 'src/README.md']))
})

it.each(pages)('every link of %s works', (page) => {
  const broken = linksOf(page).filter((link) => {
    const [path, anchor] = link.split('#') as [string, string?]
    const target = path ? join(dirname(page), path) : page
    if (!existsSync(join(root, target))) return true
    return anchor !== undefined && !anchorsOf(target).includes(anchor)
  })
  expect(broken).toEqual([])
})
