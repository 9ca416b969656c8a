import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('ar');

export const breakGlass: Pick<Words, 'breakGlass'> = {
	breakGlass: {
		note: 'لشخص في خطر لا يمكن سؤاله. يجب أن يتفق اثنان منكم، ويرى المريض ذلك.',
		ask: 'طلب فتح سجل',
		askText: 'يُخبر المريض فورًا، ومعه من يستطيع الموافقة.',
		code: 'رمز المريض',
		codeHint: 'امسح بطاقة الطوارئ وألصق النص.',
		notOffered: 'لا يسمح لك هذا المريض بفتح شيء في الطوارئ.',
		part: 'ماذا تحتاج؟',
		agrees: (who) => `من يستطيع الموافقة: ${who}.`,
		hours: 'كم من الوقت؟',
		hoursOf: (count) => n(count, { one: 'ساعة واحدة', two: 'ساعتان', few: '# ساعات', many: '# ساعة', other: '# ساعة' }),
		reason: 'لماذا؟',
		reasonHint: '20 حرفًا على الأقل. كل من يحفظ السجل يقرأ هذا إلى الأبد، فلا تكتب أسماء.',
		short: (count) => n(count, { one: 'اكتب حرفًا آخر.', two: 'اكتب حرفين آخرين.', few: 'اكتب # أحرف أخرى.', many: 'اكتب # حرفًا آخر.', other: 'اكتب # حرف آخر.' }),
		send: 'طلب الفتح',
		asked: 'تم الطلب. يجب أن يوافق شخص ثانٍ الآن.',
		now: 'المطلوب والمفتوح الآن',
		over: 'انتهت',
		of: (name) => `سجل ${name}.`,
		approve: 'أوافق: افتحه',
		approved: 'وافقت. يمكن فتحه الآن.',
		endReason: 'لم تعد هناك حاجة',
		openRecord: 'فتح السجل',
		reviewDue: (when) => `يجب أن يراجعها شخص آخر قبل ${when}.`,
	},
};
