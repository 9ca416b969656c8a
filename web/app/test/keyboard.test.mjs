// Sharing and stopping it by the keyboard alone: what has the focus is always seen, and the focus is never lost.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { browse, demo } from './harness.mjs'
import { login } from './people.mjs'
import { settled } from './tour.mjs'

let site, browsers, page

before(async () => {
	;[site, browsers] = await Promise.all([demo(), browse()])
	page = (await browsers.person({ reducedMotion: 'reduce' })).page
	await login(page, site.url, 'Amara')
	await settled(page)
})
after(async () => {
	await browsers?.close()
	await site?.stop()
})

/** What has the focus: its name as it is read out, whether it is seen to have it, and whether it stands in a dialog. */
function focused() {
	return page.evaluate(() => {
		const element = document.activeElement
		if (!element || element === document.body) return undefined
		const box = element.getBoundingClientRect()
		// What is drawn by something beside or over it shows its focus there.
		const drawn = [getComputedStyle(element, '::after'), ...[element, element.nextElementSibling, ...(element.labels ?? [])].filter(Boolean).map((one) => getComputedStyle(one))]
		const rings = drawn.some(({ outlineStyle, outlineWidth }) => outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2)
		const name = element.ariaLabel ?? element.labels?.[0]?.innerText ?? element.innerText
		return {
			name: name.replace(/\s+/g, ' ').trim(),
			seen: rings && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
			dialog: element.closest('[role="dialog"]') !== null,
		}
	})
}

/** Presses a key until what has the focus is called so; everything on the way is seen to have it. */
async function reach(name, key = 'Tab') {
	const passed = []
	for (let pressed = 0; pressed < 80; pressed++) {
		await page.keyboard.press(key)
		// After the last stop of a page comes the browser's own, and then the first one.
		const now = (await focused()) ?? (await page.keyboard.press(key), await focused())
		assert.ok(now, `the focus is lost after ${passed.at(-1)}`)
		assert.ok(now.seen, `that “${now.name}” has the focus is not seen`)
		if (name.test(now.name)) return now
		passed.push(now.name)
	}
	assert.fail(`${name} can't be reached; what can: ${passed.join(' | ')}`)
}

const dialog = () => page.getByRole('dialog')

/** Waits until a dialog has the focus inside. */
async function focusInDialog() {
	await dialog().waitFor()
	await page.waitForFunction(() => document.activeElement?.closest('[role="dialog"]'))
}

/** Waits until no dialog is open, and fails if the focus went with it. */
async function back() {
	await dialog().waitFor({ state: 'detached' })
	await page.waitForFunction(() => document.activeElement && document.activeElement !== document.body)
}

test('content is skipped to', async () => {
	await page.reload()
	await login(page, site.url, 'Amara')
	await settled(page)
	await page.evaluate(() => document.activeElement?.blur())
	await reach(/^Skip to content$/)
	await page.keyboard.press('Enter')
	assert.equal(await page.evaluate(() => document.activeElement?.id), 'content')
	await reach(/./)
	assert.ok(await page.evaluate(() => document.activeElement?.closest('main') !== null), 'the next stop is in the content')
})

test('a part is shared', { timeout: 600_000 }, async (t) => {
	await t.test('from the navigation to the dialog', async () => {
		await page.evaluate(() => document.activeElement?.blur())
		await reach(/^Sharing$/)
		await page.keyboard.press('Enter')
		await page.getByRole('heading', { level: 1, name: 'Sharing' }).waitFor()
		await page.getByRole('table').waitFor()
		await reach(/^Share access$/)
		await page.keyboard.press('Enter')
		await focusInDialog()
	})
	await t.test('the dialog keeps the focus', async () => {
		for (const key of ['Tab', 'Shift+Tab']) {
			const first = await reach(/./, key)
			for (let pressed = 0; pressed < 40; pressed++) {
				const now = await reach(/./, key)
				assert.ok(now.dialog, `${key} leaves the dialog for “${now.name}”`)
				if (now.name === first.name) break
			}
		}
	})
	await t.test('who', async () => {
		await reach(/^Where do they work\?$/)
		await page.keyboard.type('iron')
		await page.getByLabel('Which of them?').waitFor()
		assert.equal(await page.getByLabel('Where do they work?').inputValue(), 'iron-gym')
		await reach(/^Continue$/)
		await page.keyboard.press('Enter')
		await page.getByRole('checkbox').first().waitFor()
	})
	await t.test('what', async () => {
		await reach(/^Training/)
		await page.keyboard.press('Space')
		assert.ok(await page.getByRole('checkbox', { name: /^Training/ }).isChecked())
		await reach(/^Read/)
		await page.keyboard.press('ArrowDown')
		assert.ok(await page.getByRole('radio', { name: 'Read, and add to it' }).isChecked())
		await page.keyboard.press('Enter') // what is submitted is the form
		await page.getByRole('radio').nth(4).waitFor()
	})
	await t.test('until when, and the preview', async () => {
		await reach(/^Continue$/)
		await page.keyboard.press('Enter')
		await dialog().getByText(/will be able to open/).waitFor()
		await focusInDialog()
		await reach(/^Share (until|with no end date)/)
		await page.keyboard.press('Enter')
		await back()
		await page.getByRole('row', { name: /^Trainers of iron-gym/ }).waitFor()
	})
})

test('sharing is stopped', { timeout: 600_000 }, async () => {
	await reach(/^Trainers of iron-gym$/)
	await page.keyboard.press('Enter')
	await focusInDialog()
	await reach(/^Stop sharing: Training/)
	await page.keyboard.press('Enter')
	await dialog().getByText(/cannot open anything new/).waitFor()
	await focusInDialog()
	await reach(/^Stop sharing$/)
	await page.keyboard.press('Enter')
	await page.getByRole('row', { name: /^Trainers of iron-gym/ }).waitFor({ state: 'detached' })
	await back()
})

test('Escape closes a dialog, and the focus goes back to what opened it', async () => {
	await reach(/^Share access$/)
	await page.keyboard.press('Enter')
	await focusInDialog()
	await page.keyboard.press('Escape')
	await back()
	assert.equal((await focused()).name, 'Share access')
})

test('shortcuts', { timeout: 600_000 }, async (t) => {
	await t.test('are listed', async () => {
		await page.keyboard.press('?')
		await focusInDialog()
		await dialog().getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor()
		await page.keyboard.press('Escape')
		await back()
	})
	await t.test('go to screens', async () => {
		for (const [keys, title] of [['gl', 'Timeline'], ['gr', 'Trends'], ['ga', 'Access log'], ['gs', 'Sharing'], ['n', 'Add to your record']]) {
			for (const key of keys) await page.keyboard.press(key)
			await page.getByRole('heading', { level: 1, name: title }).waitFor()
			await page.waitForFunction(() => document.activeElement?.tagName === 'H1')
		}
	})
	await t.test('search, where letters are letters', async () => {
		await page.keyboard.press('/')
		await page.getByRole('searchbox').waitFor()
		await page.waitForFunction(() => document.activeElement?.tagName === 'INPUT')
		await page.keyboard.type('gl?n')
		assert.equal(await page.evaluate(() => document.activeElement?.value), 'gl?n')
		assert.equal(await dialog().count(), 0)
	})
	await t.test('close the record', async () => {
		await page.evaluate(() => document.activeElement?.blur())
		await page.keyboard.press('L')
		await page.getByRole('button', { name: /Amara/ }).waitFor()
	})
})
