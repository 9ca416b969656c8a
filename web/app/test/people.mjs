// What people do on the screens, for tests that have other things to show.

/** Opens the page as one of the sample people, by one click. */
export async function login(page, url, name) {
	await page.goto(url)
	await page.getByRole('button', { name: new RegExp(name) }).click()
	await page.getByRole('button', { name: 'Close my record' }).waitFor()
}

/** Goes to a screen by the navigation. */
export async function goTo(page, name) {
	await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }).click()
	await page.getByRole('heading', { level: 1 }).waitFor()
}

/**
 * Sets up a new record in four steps, with a passphrase.
 * @returns the words of the recovery sheet
 */
export async function setUp(page, url, name, passphrase) {
	await page.goto(url)
	await page.getByRole('link', { name: 'Set up my record' }).click()
	await page.getByLabel('What is your name?').fill(name)
	await page.getByRole('button', { name: 'Continue' }).click()
	await choosePassphrase(page, passphrase)
	const words = await readSheet(page)
	await testSheet(page, words)
	await page.getByRole('button', { name: 'Close my record' }).waitFor({ timeout: 60_000 })
	return words
}

async function choosePassphrase(page, passphrase) {
	const instead = page.getByRole('button', { name: 'Use a passphrase instead' })
	const field = page.getByLabel('New passphrase')
	await instead.or(field).first().waitFor()
	if (await instead.isVisible()) await instead.click()
	await field.fill(passphrase)
	await page.getByLabel('The same again').fill(passphrase)
	await page.getByRole('button', { name: 'Continue' }).click()
}

/** Reads the recovery words, as somebody would copy them onto paper. */
export async function readSheet(page) {
	await page.getByRole('button', { name: 'I have it on paper' }).waitFor()
	const words = await page.locator('main ol').last().getByRole('listitem').allInnerTexts()
	await page.getByRole('button', { name: 'I have it on paper' }).click()
	return words.map((word) => word.replace(/^\d+\W*/, '').trim())
}

/** Types the three words that are asked back. */
export async function testSheet(page, words) {
	const fields = page.getByLabel(/^Word \d+$/)
	await fields.first().waitFor()
	for (const field of await fields.all()) {
		const label = await field.evaluate((input) => input.labels[0].innerText)
		await field.fill(words[Number(label.match(/\d+/)[0]) - 1])
	}
	await page.getByRole('button', { name: 'Open my record' }).click()
}

/** Shares parts of the record with everybody who has a role at an authority, by the three questions. */
export async function shareWith(page, { authority, role, parts, write = false }) {
	await goTo(page, 'Sharing')
	await page.getByRole('button', { name: 'Share access' }).click()
	await page.getByLabel('Where do they work?').selectOption(authority)
	const which = page.getByLabel('Which of them?')
	if (role && (await which.inputValue()) === '') await which.selectOption(role)
	await page.getByRole('button', { name: 'Continue' }).click()
	for (const part of parts) await page.getByRole('checkbox', { name: new RegExp(`^${part}`) }).check()
	if (write) await page.getByRole('radio', { name: 'Read, and add to it' }).check()
	await page.getByRole('button', { name: 'Continue' }).click()
	await page.getByRole('button', { name: 'Continue' }).click()
	const preview = page.getByRole('dialog')
	await preview.getByText(/will be able to open/).waitFor()
	const text = await preview.innerText()
	await preview.getByRole('button', { name: /^Share (until|with no end date)/ }).click()
	await preview.waitFor({ state: 'detached' })
	return text
}
