// The screens there are, as the app lists them, and how a test looks at one.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { accessible, fits } from './harness.mjs'

/** The address of every screen, by its name in places.ts. */
export const places = Object.fromEntries(
	[...readFileSync(join(import.meta.dirname, '../src/places.ts'), 'utf8').matchAll(/^\t(\w+): place\('([^']+)'/gm)].map(([, name, path]) => [name, path]),
)

// In the dark only colours are others.
const looks = [
	{ name: 'light', colorScheme: 'light', width: 1280, height: 860 },
	{ name: 'dark', colorScheme: 'dark', width: 1280, height: 860, rules: ['color-contrast'] },
	{ name: 'mobile', colorScheme: 'light', width: 390, height: 844 },
]

// As wide as a window of 1280 px is at a zoom of 200 %, and the narrowest that nothing may scroll sideways in.
const narrow = [640, 320]

/** Waits until a screen shows what it has to show. */
export async function settled(page) {
	await page.locator('h1:visible').waitFor()
	await page.waitForFunction(() => !document.querySelector('.skeleton, [aria-busy="true"], progress'))
}

/** Goes to a screen by its address, with what stands in the places of its colons. */
export async function visit(page, name, params = {}) {
	await settled(page)
	const path = places[name].replace(/:(\w+)/g, (_, param) => encodeURIComponent(params[param]))
	const there = await page.evaluate((path) => {
		const before = location.hash.replace(/^#/, '').split('?')[0] || '/'
		document.activeElement?.blur()
		location.hash = path
		return before === path
	}, path)
	// A screen that comes takes the focus, to its heading mostly.
	if (!there) await page.waitForFunction(() => document.activeElement?.closest('.screen'))
	await settled(page)
}

/** Looks at a screen as it is in every light and width: axe finds nothing, one main heading, and nothing to scroll sideways. */
export async function look(page, what) {
	for (const { name, colorScheme, width, height, rules } of looks) {
		await page.emulateMedia({ colorScheme })
		await page.setViewportSize({ width, height })
		await accessible(page, `${what}, ${name}`, rules)
		await fits(page, `${what}, ${name}`)
	}
	for (const width of narrow) {
		await page.setViewportSize({ width, height: 700 })
		await fits(page, `${what} in ${width} px`)
	}
	await page.setViewportSize({ width: 1280, height: 860 })
	await page.emulateMedia({ colorScheme: 'light' })
}

/** Looks at the dialog that is open, and closes it. */
export async function lookAtDialog(page, what) {
	await page.getByRole('dialog').waitFor()
	await settled(page)
	await look(page, what)
	await page.keyboard.press('Escape')
	await page.getByRole('dialog').waitFor({ state: 'detached' })
}
