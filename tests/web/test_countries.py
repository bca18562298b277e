"""Countries stand in the order in which a reader of the language looks for them."""

from portal.kernel.countries import countries_by_name


def test_turkmen_names_follow_the_turkmen_alphabet():
    names = [name for _, name in countries_by_name("tk")]

    chosen = ["Butan", "Çad", "Çili", "Daniýa", "Estoniýa", "Oman", "Özbegistan", "Pakistan", "Sudan", "Şri-Lanka"]
    assert [name for name in names if name in chosen] == chosen
