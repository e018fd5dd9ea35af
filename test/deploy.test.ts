import { globSync, readdirSync, readFileSync } from 'node:fs'
import * as api from '@kubernetes/client-node'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { describeConfig } from '../src/config.ts'

interface Container {
  name: string
  image: string
  restartPolicy?: string
  env?: { name: string; value: string }[]
  ports?: { containerPort: number }[]
  securityContext: Record<string, unknown>
  startupProbe?: object
  resources: { requests: { memory: string }; limits: { memory: string } }
  volumeMounts?: { name: string; mountPath: string }[]
}
interface PodSpec {
  volumes?: { name: string; emptyDir?: { medium: string; sizeLimit: string } }[]
  initContainers?: Container[]
  containers: Container[]
  securityContext: Record<string, unknown>
  terminationGracePeriodSeconds?: number
}
// biome-ignore lint/suspicious/noExplicitAny: the test checks what a manifest contains.
type Manifest = { apiVersion: string; kind: string; metadata: { name: string }; spec: any }

const read = (path: string): Manifest => parse(readFileSync(path, 'utf8'), { merge: true })

const kustomizations = globSync('deploy/*/kustomization.yaml')
const objects = kustomizations.flatMap((path) => {
  const folder = path.replace('/kustomization.yaml', '')
  return (read(path) as unknown as { resources: string[] }).resources.map(
    (file) => `${folder}/${file}`,
  )
})
const own = objects.filter((path) => !path.startsWith('deploy/kserve/'))

/** The fields of a value that the API does not have, or has with another type. */
function misfits(value: unknown, type: string, path: string): string[] {
  const list = /^Array<(.*)>$/.exec(type)
  if (list) {
    if (!Array.isArray(value)) return [`${path} is no list`]
    return value.flatMap((item, i) => misfits(item, list[1]!, `${path}/${i}`))
  }
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)
  if (map) {
    return Object.entries(value as object).flatMap(([key, item]) =>
      misfits(item, map[1]!, `${path}/${key}`),
    )
  }
  const model = (api as unknown as Record<string, typeof api.V1Deployment>)[type]
  if (!model) {
    if (type === 'IntOrString' || type === 'any') return []
    return typeof value === type ? [] : [`${path} is no ${type}`]
  }
  const fields = model.getAttributeTypeMap()
  return Object.entries(value as object).flatMap(([name, item]) => {
    const field = fields.find(({ baseName }) => baseName === name)
    return field ? misfits(item, field.type, `${path}/${name}`) : [`${path}/${name} is unknown`]
  })
}

/** The name of a kind in the Kubernetes client, which begins with its version. */
function typeOf({ apiVersion, kind }: Manifest): string {
  const version = apiVersion.split('/').at(-1)!
  return version[0]!.toUpperCase() + version.slice(1) + kind
}

async function validate(object: Manifest): Promise<string[]> {
  const { [object.kind]: Model } = await import(
    `kubernetes-models/${object.apiVersion}/${object.kind}`
  )
  const unknown = misfits(object, typeOf(object), '')
  try {
    new Model(object).validate()
    return unknown
  } catch (error) {
    return [...unknown, (error as Error).message]
  }
}

describe('manifests', () => {
  it.each(kustomizations)('%s lists the files of its folder', (path) => {
    const { resources, configurations = [] } = read(path) as unknown as Record<string, string[]>
    const files = readdirSync(path.replace('kustomization.yaml', ''))
    expect([...resources!, ...configurations, 'kustomization.yaml'].sort()).toEqual(files.sort())
  })

  it.each(own)('%s fits the API', async (path) => {
    expect(parseAllDocuments(readFileSync(path, 'utf8'))).toHaveLength(1)
    expect(await validate(read(path))).toEqual([])
  })

  it.each<[string, (object: Manifest) => void, RegExp]>([
    [
      'a misspelt field',
      ({ spec }) => Object.assign(spec.template.spec, { initContainer: [] }),
      /unknown/,
    ],
    [
      'a misspelt field in a list',
      ({ spec }) => Object.assign(spec.template.spec.containers[0], { restartpolicy: 'Always' }),
      /containers\/0\/restartpolicy is unknown/,
    ],
    ['a number as text', ({ spec }) => Object.assign(spec, { replicas: '1' }), /replicas/],
    ['a missing field', ({ spec }) => delete spec.selector, /selector/],
  ])('%s is found by these tests', async (_, spoil, complaint) => {
    const object = read('deploy/sidecar/deployment.yaml')
    spoil(object)
    expect((await validate(object)).join('\n')).toMatch(complaint)
  })
})

const pods = new Map<string, PodSpec>(
  objects.flatMap((path) => {
    const { kind, spec } = read(path)
    if (kind === 'Deployment') return [[path, spec.template.spec]]
    return kind === 'InferenceService' ? [[path, spec.predictor]] : []
  }),
)

describe.each([...pods])('the pod of %s', (path, pod) => {
  const containers = [...(pod.initContainers ?? []), ...pod.containers]
  const kelvin = containers.find(({ env }) => env !== undefined)!

  it('sets only variables that exist', () => {
    const known = describeConfig().map(({ name }) => name)
    const set = containers.flatMap(({ env = [] }) => env.map(({ name }) => name))
    expect(set.filter((name) => !known.includes(name))).toEqual([])
  })

  it('runs without privileges, writes nothing, and has the memory that it requests', () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    for (const { securityContext, resources } of containers) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(resources.limits.memory).toBe(resources.requests.memory)
    }
  })

  it('waits longer than Kelvin takes to shut down', () => {
    const value = (name: string) => {
      const fallback = describeConfig().find((variable) => variable.name === name)!.fallback
      return Number(kelvin.env!.find((variable) => variable.name === name)?.value ?? fallback)
    }
    const needed = (value('SHUTDOWN_DELAY_MS') + value('SHUTDOWN_TIMEOUT_MS')) / 1000
    // KServe sets its own, longer period.
    if (path.includes('kserve')) return
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(needed)
  })

  it('has the port that Kelvin listens on, if any', () => {
    const fallback = describeConfig().find(({ name }) => name === 'PORT')!.fallback
    const isOnSocket = kelvin.env!.some(({ name, value }) => name === 'PORT' && value === 'none')
    const ports = (kelvin.ports ?? []).map(({ containerPort }) => String(containerPort))
    expect(ports).toEqual(isOnSocket ? [] : [fallback])
  })
})

it('the sidecar is a native one: it starts first and ends last', () => {
  const { initContainers } = pods.get('deploy/sidecar/deployment.yaml')!
  expect(initContainers).toHaveLength(1)
  expect(initContainers![0]).toMatchObject({
    restartPolicy: 'Always',
    startupProbe: { exec: { command: ['perl', 'src/healthcheck.pl'] } },
  })
})

describe('shared memory', () => {
  const mebibytes = (size: string) => Number(/^(\d+)(Mi|m)$/.exec(size)![1])

  it('of the sidecar is a limited volume in memory, for both containers', () => {
    const { volumes, initContainers, containers } = pods.get('deploy/sidecar/deployment.yaml')!
    const [kelvin, model] = [initContainers![0]!, containers[0]!]
    const { value } = kelvin.env!.find(({ name }) => name === 'SHARED_MEMORY_DIR')!
    const mountOf = ({ volumeMounts }: Container) =>
      volumeMounts!.find(({ mountPath }) => mountPath === value)
    expect(mountOf(model)).toEqual(mountOf(kelvin))
    const { emptyDir } = volumes!.find(({ name }) => name === mountOf(kelvin)!.name)!
    expect(emptyDir).toMatchObject({ medium: 'Memory' })
    // What the model writes counts as its memory.
    expect(mebibytes(model.resources.limits.memory)).toBeGreaterThan(
      2 * mebibytes(emptyDir!.sizeLimit),
    )
  })

  it('of Compose is a limited volume in memory, for the user of the image', () => {
    const { services, volumes } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true })
    const directory = services.kelvin.environment.SHARED_MEMORY_DIR
    const mount = `logits:${directory}`
    for (const service of [services.kelvin, services.model, services.storyteller]) {
      expect(service.volumes).toContain(mount)
    }
    const { type, o } = volumes.logits.driver_opts
    expect(type).toBe('tmpfs')
    const options = Object.fromEntries(o.split(',').map((option: string) => option.split('=')))
    const [uid, gid] = /^USER (\d+):(\d+)$/m.exec(readFileSync('Dockerfile', 'utf8'))!.slice(1)
    expect(options).toMatchObject({ uid, gid, mode: '700' })
    for (const { mem_limit } of [services.model, services.storyteller]) {
      expect(mebibytes(mem_limit)).toBeGreaterThan(2 * mebibytes(options.size))
    }
    expect(services.storyteller.command).toContain(`--shared-memory=${directory}`)
  })
})

it('selectors and names of the scaled form fit together', () => {
  const scaled = (file: string) => read(`deploy/scaled/${file}.yaml`)
  const deployment = scaled('deployment')
  const { labels } = deployment.spec.template.metadata
  expect(deployment.spec.selector.matchLabels).toEqual(labels)
  expect(scaled('service').spec.selector).toEqual(labels)
  expect(scaled('pod-disruption-budget').spec.selector.matchLabels).toEqual(labels)
  expect(scaled('network-policy').spec.podSelector.matchLabels).toEqual(labels)
  for (const { labelSelector } of deployment.spec.template.spec.topologySpreadConstraints) {
    expect(labelSelector.matchLabels).toEqual(labels)
  }
  const { kind, apiVersion, metadata } = deployment
  expect(scaled('horizontal-pod-autoscaler').spec.scaleTargetRef).toEqual({
    kind,
    apiVersion,
    name: metadata.name,
  })
  const [port] = scaled('service').spec.ports
  const fallback = describeConfig().find(({ name }) => name === 'PORT')!.fallback
  expect(String(port.port)).toBe(fallback)
  expect(String(scaled('network-policy').spec.ingress[0].ports[0].port)).toBe(fallback)
})

describe('proxies', () => {
  const fallback = (name: string) => {
    return Number(describeConfig().find((variable) => variable.name === name)!.fallback)
  }
  const seconds = (text: string, name: string) => {
    return 1000 * Number(new RegExp(`^ *${name} (\\d+)s;?$`, 'm').exec(text)?.[1])
  }
  const nginx = readFileSync('deploy/proxy/nginx.conf', 'utf8')
  const haproxy = readFileSync('deploy/proxy/haproxy.cfg', 'utf8')

  it.each([nginx, haproxy])('connect to the default port', (text) => {
    expect(text).toContain(`server ${text === nginx ? '' : 'kelvin '}127.0.0.1:${fallback('PORT')}`)
  })

  it('let Kelvin refuse large bodies', () => {
    const [, megabytes] = /client_max_body_size (\d+)m;/.exec(nginx)!
    expect(Number(megabytes) * 2 ** 20).toBeGreaterThan(fallback('MAX_BODY_BYTES'))
  })

  it('have Kelvin’s timeouts, and close idle connections before it does', () => {
    for (const name of ['client_body_timeout', 'proxy_send_timeout', 'proxy_read_timeout']) {
      expect(seconds(nginx, name), name).toBe(fallback('REQUEST_TIMEOUT_MS'))
    }
    for (const name of ['timeout client', 'timeout server']) {
      expect(seconds(haproxy, name), name).toBe(fallback('REQUEST_TIMEOUT_MS'))
    }
    expect(seconds(haproxy, 'timeout http-request')).toBe(fallback('HEADERS_TIMEOUT_MS'))
    expect(seconds(nginx, 'keepalive_timeout')).toBeLessThan(fallback('KEEP_ALIVE_TIMEOUT_MS'))
  })
})
