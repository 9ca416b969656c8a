import type { Written } from '../../messages';
import { places } from '../../places';
import { goOn, href } from '../../router.svelte';
import { toast } from '../../shell/announce.svelte';
import { t } from '../../words/words.svelte';

/** Says what became of something that was written, and shows it. */
export function written({ ids, queued }: Written): void {
	toast(queued ? t().add.queued : t().add.saved);
	const id = ids[0];
	goOn(href(places.add), id && !queued ? href(places.record, { id }) : href(places.timeline));
}
