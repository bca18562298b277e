"""Every sentence of the sandbox's pages, in English and Russian; Turkmen where a provider's own page may have it.

Stripe's pages have no Turkmen, so its page here has none either.
"""

from babel.numbers import format_currency

from sandbox.currencies import major
from sandbox.turkmen import TURKMEN

LANGUAGES = ("en", "ru")
EVERY_LANGUAGE = (*LANGUAGES, "tk")
WORDS = {
    "sandbox": ("Payment sandbox", "Платёжная песочница"),
    "no_money": ("No real money", "Деньги не списываются"),
    "no_money_long": (
        "This is a rehearsal of a card payment. Nothing is charged. Do not enter a real card.",
        "Это репетиция оплаты картой. Ничего не списывается. Не вводите данные настоящей карты.",
    ),
    "home": ("All sessions and events", "Все сессии и события"),
    "mail": ("Mail", "Почта"),
    "skip": ("Skip to content", "Перейти к содержанию"),
    # The checkout page
    "pay_title": ("Pay {amount}", "Оплата {amount}"),
    "order": ("Your order", "Ваш заказ"),
    "order_reference": ("Reference {reference}", "Номер {reference}"),
    "quantity": ("{quantity} × {price}", "{quantity} × {price}"),
    "total": ("Total", "Итого"),
    "closes": (
        "You can pay here for {minutes} more min, until {time} UTC.",
        "Оплатить здесь можно ещё {minutes} мин, до {time} UTC.",
    ),
    "back": ("Back without paying", "Вернуться без оплаты"),
    "card_details": ("Test card", "Тестовая карта"),
    "email": ("E-mail", "Электронная почта"),
    "number": ("Card number", "Номер карты"),
    "number_hint": (
        "Only the test numbers listed on this page work.",
        "Работают только тестовые номера с этой страницы.",
    ),
    "expiry": ("Valid until", "Действует до"),
    "expiry_hint": ("Month and year, 12/34", "Месяц и год, 12/34"),
    "cvc": ("Security code", "Код CVC"),
    "cvc_hint": ("Any 3 digits", "Любые 3 цифры"),
    "name": ("Name on the card", "Имя на карте"),
    "name_hint": ("Any name", "Любое имя"),
    "pay_button": ("Pay {amount}", "Оплатить {amount}"),
    "test_cards": ("Test cards", "Тестовые карты"),
    "test_cards_hint": (
        "Choose a card to fill in the form. Nothing is paid until you press the button.",
        "Выберите карту, и форма заполнится. Оплата начнётся только по кнопке.",
    ),
    "fill_in": ("Fill in {number}", "Подставить {number}"),
    "error_title": ("Error: {title}", "Ошибка: {title}"),
    "not_paid": ("The payment did not go through", "Оплата не прошла"),
    "check_fields": ("Some fields need another look", "Проверьте некоторые поля"),
    # What is wrong with a field
    "email_wrong": (
        "Enter an e-mail address in full, such as name@example.org.",
        "Введите адрес полностью, например name@example.org.",
    ),
    "number_missing": ("Enter the number of a test card.", "Введите номер тестовой карты."),
    "number_wrong": (
        "The card number is mistyped: its check digit does not fit. Compare it with the list.",
        "В номере карты опечатка: контрольная цифра не сходится. Сверьте номер со списком.",
    ),
    "number_real": (
        "This is not a test card, and real cards must not be entered here. Choose one from the list.",
        "Это не тестовая карта, а настоящие карты сюда вводить нельзя. Выберите карту из списка.",
    ),
    "expiry_wrong": ("Enter month and year, such as 12/34.", "Введите месяц и год, например 12/34."),
    "expiry_past": (
        "This date has passed. Enter a month that is not over yet.",
        "Этот срок уже прошёл. Введите месяц, который ещё не закончился.",
    ),
    "cvc_wrong": ("Enter 3 digits.", "Введите 3 цифры."),
    "name_missing": ("Enter a name, any will do.", "Введите имя, подойдёт любое."),
    # Why the bank declined
    "generic_decline": (
        "The bank declined the card. Try another one.",
        "Банк отклонил карту. Попробуйте другую.",
    ),
    "insufficient_funds": (
        "There is not enough money on the card. Try another one.",
        "На карте недостаточно средств. Попробуйте другую.",
    ),
    "expired_card": ("The card has expired. Try another one.", "Срок действия карты истёк. Попробуйте другую."),
    "incorrect_cvc": (
        "The security code is not right. Check it and try again.",
        "Код CVC неверен. Проверьте его и попробуйте снова.",
    ),
    "processing_error": (
        "The bank could not process the payment. Try again in a minute.",
        "Банк не смог обработать платёж. Попробуйте через минуту.",
    ),
    "payment_intent_authentication_failure": (
        "The bank did not confirm that it was you. Try again or use another card.",
        "Банк не подтвердил, что платите вы. Попробуйте снова или возьмите другую карту.",
    ),
    "disputes": ("Disputes", "Споры"),
    "about_disputes": (
        "A guest asked his bank to take the payment back. Play the bank and decide.",
        "Покупатель попросил банк вернуть платёж. Сыграйте роль банка и решите.",
    ),
    "dispute_won": ("The merchant keeps the money", "Деньги остаются продавцу"),
    "dispute_lost": ("The guest gets the money", "Деньги возвращаются покупателю"),
    "mischief": ("What may go wrong", "Что может пойти не так"),
    "about_mischief": (
        "Real payment services fail in these ways one day. Plan one, and it happens at the next occasion.",
        "Настоящие платёжные службы однажды сбоят именно так. Выберите сбой, и он случится при первом же случае.",
    ),
    "plan_once": ("Next time", "В следующий раз"),
    "planned": ("planned: {times}", "запланировано: {times}"),
    "mischief_twice": ("An event is delivered twice", "Событие приходит дважды"),
    "mischief_last": ("An event comes after later ones", "Событие приходит после более поздних"),
    "mischief_late": ("An event comes five hours late", "Событие опаздывает на пять часов"),
    "mischief_lost": ("An event is never delivered", "Событие не приходит совсем"),
    "mischief_forged": (
        "Somebody else says that the session is paid",
        "Кто-то другой сообщает, что сессия оплачена",
    ),
    "mischief_amount": ("Another amount is taken", "Списывается другая сумма"),
    "mischief_currency": ("Another currency is taken", "Списывается другая валюта"),
    "mischief_no_answer": (
        "A call is carried out, and its answer is lost",
        "Запрос выполняется, а ответ теряется",
    ),
    # The bank's page
    "bank_title": ("Confirm the payment", "Подтвердите оплату"),
    "bank": ("Your bank (played by the sandbox)", "Ваш банк (его роль играет песочница)"),
    "bank_text": (
        "The bank asks whether you really want to pay {amount} with the card ending in {last4}.",
        "Банк спрашивает, действительно ли вы платите {amount} картой, которая заканчивается на {last4}.",
    ),
    "approve": ("Yes, confirm", "Да, подтверждаю"),
    "refuse": ("No, refuse", "Нет, отказываюсь"),
    # A session that is over
    "expired_title": ("This payment page has closed", "Эта страница оплаты закрыта"),
    "expired_text": (
        "Its time ran out, or the order was cancelled. Nothing was charged. Go back and start the payment again.",
        "Время вышло или заказ отменён. Ничего не списано. Вернитесь и начните оплату заново.",
    ),
    "expired_back": ("Go back", "Вернуться"),
    "not_found": ("There is no such page", "Такой страницы нет"),
    "not_found_text": (
        "The address may be mistyped, or the sandbox has been emptied since.",
        "Возможно, в адресе опечатка или данные песочницы с тех пор стёрты.",
    ),
    # The first page
    "about": (
        "It stands in for Stripe, YooKassa and a Turkmen bank while the portal runs without their keys: the same "
        "requests, the same answers, test cards instead of money.",
        "Она заменяет Stripe, ЮKassa и туркменский банк, пока портал работает без их ключей: те же запросы, те же "
        "ответы, вместо денег тестовые карты.",
    ),
    "about_cards": (
        "Any future expiry date and any 3 digits of security code will do.",
        "Срок действия подойдёт любой будущий, код CVC: любые 3 цифры.",
    ),
    "sessions": ("Latest payment sessions", "Последние сессии оплаты"),
    "no_sessions": ("Nobody has come to pay yet.", "Пока никто не приходил платить."),
    "events": ("Latest events", "Последние события"),
    "no_events": ("Nothing has happened yet.", "Пока ничего не происходило."),
    "mail_text": (
        "Letters that the portal would send are kept in a folder. Read them here.",
        "Письма, которые отправил бы портал, складываются в папку. Их можно прочитать здесь.",
    ),
    "open_mail": ("Open the mail", "Открыть почту"),
    "open_page": ("Open the payment page", "Открыть страницу оплаты"),
    "state_open": ("Waiting for payment", "Ожидает оплаты"),
    "state_paid": ("Paid", "Оплачено"),
    "state_unpaid": ("Accepted, not paid", "Принято, не оплачено"),
    "state_expired": ("Closed", "Закрыта"),
    "delivered": ("Delivered", "Доставлено"),
    "waiting": ("Waiting, attempts made: {attempts}", "Ожидает, попыток: {attempts}"),
    "waiting_answer": (
        "Waiting, attempts made: {attempts}, last answer: {answer}",
        "Ожидает, попыток: {attempts}, ответ: {answer}",
    ),
    "undelivered": ("Not delivered, given up", "Не доставлено, попытки прекращены"),
    "no_webhook": ("No webhook address is set", "Адрес для событий не задан"),
    # What each card does
    "card_success": ("Pays", "Оплата проходит"),
    "card_mastercard": ("Pays (Mastercard)", "Оплата проходит (Mastercard)"),
    "card_authentication": (
        "The bank asks to confirm: you approve or refuse",
        "Банк просит подтверждения: можно согласиться или отказаться",
    ),
    "card_declined": ("Is declined", "Карта отклонена"),
    "card_funds": ("Is declined: not enough money", "Отклонена: недостаточно средств"),
    "card_expired": ("Is declined: the card has expired", "Отклонена: срок действия истёк"),
    "card_wrong-cvc": ("Is declined: wrong security code", "Отклонена: неверный код CVC"),
    "card_processing": ("Is declined: the bank has a fault", "Отклонена: сбой в банке"),
    "card_later": ("Is accepted, the money comes later", "Принята, деньги приходят позже"),
    "card_later-failed": ("Is accepted, the money never comes", "Принята, но деньги так и не приходят"),
    "card_refund-later": ("Pays; a refund takes a while", "Оплата проходит; возврат идёт не сразу"),
    "card_disputed": ("Pays; the guest asks his bank for the money", "Оплата проходит; банк просят вернуть деньги"),
    "card_refund-failed": ("Pays; a refund fails later", "Оплата проходит; возврат позже срывается"),
    # The pages of YooKassa and of the bank
    "minutes_left": ("Minutes left to pay here: {minutes}.", "Осталось минут на оплату: {minutes}."),
    "sbp": ("By SBP", "По СБП"),
    "sbp_text": (
        "The real page shows a QR code for the app of the bank here. In the sandbox you only answer a question.",
        "На настоящей странице здесь QR-код для приложения банка. В песочнице нужно только ответить на вопрос.",
    ),
    "sbp_button": ("Pay in the app of the bank", "Оплатить в приложении банка"),
    "sbp_bank_text": (
        "The app of the bank asks whether you really want to pay {amount} by SBP.",
        "Приложение банка спрашивает, действительно ли вы платите {amount} по СБП.",
    ),
    "no_answer_title": ("The page did not answer", "Страница не ответила"),
    "no_answer_text": (
        "The money was taken, and the bank did not get round to saying so. Open the page of the booking: the portal "
        "asks the bank itself.",
        "Деньги списаны, но банк не успел об этом сообщить. Откройте страницу брони: портал сам спросит банк.",
    ),
    "bank_declined": (
        "The bank declined the card. Try another one.",
        "Банк отклонил карту. Попробуйте другую.",
    ),
    "channel_yookassa": ("YooKassa: Mir cards and SBP", "ЮKassa: карты «Мир» и СБП"),
    "channel_bank": ("A Turkmen bank: cards in manats", "Туркменский банк: карты в манатах"),
    "no_payments": ("Nobody has come to pay yet.", "Пока никто не приходил платить."),
    "next_request": ("The next request of the portal:", "Следующий запрос портала:"),
    "fault_fault": ("meets a fault", "встретит сбой"),
    "fault_lost": ("is done, its answer is lost", "выполнится, ответ пропадёт"),
    "fault_slow": ("is answered too late", "получит ответ слишком поздно"),
    "state_yookassa_pending": ("Waiting for payment", "Ожидает оплаты"),
    "state_yookassa_waiting_for_capture": ("Held", "Удержано"),
    "state_yookassa_succeeded": ("Paid", "Оплачено"),
    "state_yookassa_canceled": ("Canceled", "Отменён"),
    "state_bank_0": ("Waiting for payment", "Ожидает оплаты"),
    "state_bank_1": ("Held", "Удержано"),
    "state_bank_2": ("Paid", "Оплачено"),
    "state_bank_3": ("Reversed", "Отменено банком"),
    "state_bank_4": ("Refunded", "Возвращено"),
    "state_bank_5": ("At the bank", "В банке"),
    "state_bank_6": ("Declined", "Отклонено"),
    "yookassa_success": ("Pays", "Оплата проходит"),
    "yookassa_authentication": ("The bank asks to confirm", "Банк просит подтверждения"),
    "yookassa_funds": ("Is declined: not enough money", "Отклонена: недостаточно средств"),
    "yookassa_declined": ("Is declined", "Карта отклонена"),
    "yookassa_expired": ("Is declined: the card has expired", "Отклонена: срок действия истёк"),
    "yookassa_secure": ("Is declined: the bank was not convinced", "Отклонена: банк не подтвердил"),
    "yookassa_no-answer": ("Takes the money, and the page never answers", "Деньги списаны, страница не отвечает"),
    "yookassa_notice-lost": ("Pays, the notification is lost", "Оплата проходит, уведомление пропадает"),
    "yookassa_notice-twice": ("Pays, the notification comes twice", "Оплата проходит, уведомление приходит дважды"),
    "yookassa_notice-late": ("Pays, the notification is late", "Оплата проходит, уведомление опаздывает"),
    "yookassa_notice-forged": ("Does not pay, the notification is forged", "Оплаты нет, уведомление подделано"),
    "yookassa_less": ("Pays a ruble less", "Платит на рубль меньше"),
    "yookassa_other-currency": ("Pays in another currency", "Платит в другой валюте"),
    "yookassa_refund-later": ("Pays; a refund takes a while", "Оплата проходит; возврат идёт не сразу"),
    "yookassa_refund-refused": ("Pays; a refund fails later", "Оплата проходит; возврат позже срывается"),
    "bankcard_success": ("Pays", "Оплата проходит"),
    "bankcard_authentication": ("The bank asks to confirm", "Банк просит подтверждения"),
    "bankcard_funds": ("Is declined: not enough money", "Отклонена: недостаточно средств"),
    "bankcard_expired": ("Is declined: the card has expired", "Отклонена: срок действия истёк"),
    "bankcard_declined": ("Is declined", "Карта отклонена"),
    "bankcard_no-answer": ("Takes the money, and the form never answers", "Деньги списаны, форма не отвечает"),
    "bankcard_settle-later": ("The bank decides a little later", "Банк решает не сразу"),
    "bankcard_less": ("Takes a manat less", "Списывает на манат меньше"),
    "bankcard_reversed": ("Pays; the bank takes it back later", "Оплата проходит, потом банк её отменяет"),
    "bankcard_refund-refused": ("Pays; a refund is refused", "Оплата проходит; в возврате отказано"),
    # Mail
    "mail_title": ("Mail of the portal", "Почта портала"),
    "mail_where": (
        "Nothing leaves this computer: these are the letters the portal would have sent, newest first.",
        "Ничего не уходит с этого компьютера: это письма, которые отправил бы портал, сначала новые.",
    ),
    "no_mail": ("There are no letters yet.", "Писем пока нет."),
    "only_latest": ("The latest {count} are shown.", "Показаны последние: {count}."),
    "no_subject": ("(no subject)", "(без темы)"),
    "from": ("From", "От"),
    "to": ("To", "Кому"),
    "date": ("Date", "Дата"),
    "reply_to": ("Reply to", "Ответ"),
    "content_language": ("Language", "Язык"),
    "attachments": ("Attachments", "Вложения"),
    "attachment": ("{name}, {kilobytes} KB", "{name}, {kilobytes} КБ"),
    "html_part": ("As designed (HTML)", "С оформлением (HTML)"),
    "text_part": ("As plain text", "Простым текстом"),
    "all_mail": ("All letters", "Все письма"),
}


def say(language: str, word: str, **values: object) -> str:
    sentence = TURKMEN[word] if language == "tk" else WORDS[word][LANGUAGES.index(language)]
    return sentence.format(**values) if values else sentence


def show_money(language: str, minor: int, currency: str) -> str:
    return format_currency(major(minor, currency), currency.upper(), locale=language)
