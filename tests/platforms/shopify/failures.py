"""What apps for Shopify fail at, and Shopify's own security checks, each with the tests that hold.

``python -m tests.platforms.shopify.failures`` writes them into ``platforms/shopify/README.md``.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

README = Path("platforms/shopify/README.md")
BEGIN, END = "<!-- failures -->\n", "<!-- end of failures -->\n"
LATER = "comes with discount codes and the theme extension"
HERE, FLOWS, APP = "tests/platforms/shopify", "tests/flows", "tests/flows/app"
Tests = Sequence[tuple[str, str]]
FAILURES: Mapping[str, Tests] = {
    "Two renew a token at once, or die with the new one": (
        (f"{FLOWS}/test_renewal.py", "test_fifty_who_ask_ten_stores_renew_each_token_once"),
        (f"{FLOWS}/test_renewal.py", "test_a_process_that_dies_with_the_new_token_loses_no_store"),
    ),
    "A token is asked for that never ends": (
        (
            f"{HERE}/test_auth.py",
            "test_a_session_token_is_exchanged_for_one_that_ends_and_is_not_kept",
        ),
        (f"{HERE}/test_auth.py", "test_a_token_that_never_ends_is_not_taken"),
    ),
    "One store is asked with another's token": (
        (f"{HERE}/test_auth.py", "test_each_store_is_asked_with_its_own_token"),
        (f"{FLOWS}/test_renewal.py", "test_fifty_who_ask_ten_stores_renew_each_token_once"),
    ),
    "A body is changed before its signature is checked": (
        (f"{HERE}/test_deliveries.py", "test_the_same_json_written_otherwise_does_not_verify"),
        (
            f"{HERE}/test_deliveries.py",
            "test_an_empty_body_and_a_large_one_are_verified_as_they_are",
        ),
    ),
    "The app proxy's signature: blank customers, repeated parameters": (
        (f"{HERE}/test_proxy.py", "test_a_blank_customer_is_a_guest_and_signed_all_the_same"),
        (f"{HERE}/test_proxy.py", "test_none_that_says_who_and_when_may_though_it_is_signed"),
    ),
    "Late word that the app was taken off": (
        (
            f"{APP}/test_told.py",
            "test_word_of_it_that_comes_after_it_was_installed_anew_is_late",
        ),
        (f"{APP}/test_told.py", "test_a_store_that_takes_the_app_off_is_left_alone"),
    ),
    "Deliveries twice, late, in another order": (
        (f"{FLOWS}/test_shopify.py", "test_a_delivery_that_comes_twice_or_late_changes_nothing"),
    ),
    "Deliveries answered too late, and subscriptions that are gone": (
        (f"{FLOWS}/test_kills.py", "test_what_is_acknowledged_survives_kills"),
        (f"{FLOWS}/test_shopify.py", "test_what_shopify_gave_up_is_made_anew"),
    ),
    "THROTTLED with status 200": (
        (f"{HERE}/test_api.py", "test_throttled_is_no_data_and_says_how_long_to_wait"),
        (f"{HERE}/test_api.py", "test_a_listing_that_is_throttled_says_so_through_the_client"),
    ),
    "Orders of nobody, customers without an address, merged ones": (
        (f"{FLOWS}/test_shopify.py", "test_an_order_of_nobody_earns_for_nobody"),
        (f"{FLOWS}/test_shopify.py", "test_customers_who_are_merged_bring_their_points"),
    ),
    "Refunds, cancellations, tests of payment, a market's money": (
        (f"{FLOWS}/test_shopify.py", "test_what_happens_is_told_and_followed"),
        (f"{HERE}/test_wire.py", "test_an_order_that_tested_payments_was_never_paid"),
        (f"{HERE}/test_store.py", "test_amounts_are_the_stores_own_and_not_what_a_market_shows"),
    ),
    "A code is made twice": (),
    "A frame that loads for ever, or shows nothing": (
        (f"{APP}/test_embedded.py", "test_a_page_without_a_token_gets_one"),
        (f"{APP}/test_embedded.py", "test_a_token_that_is_no_better_the_second_time_is_told"),
        (
            "tests/browser/test_embedded.py",
            "test_the_app_is_installed_by_opening_it_and_used_in_the_frame",
        ),
    ),
    "The widgets are switched off in the theme": (),
    "The API changes under us": (
        (f"{HERE}/test_operations.py", "test_it_is_valid_and_asks_for_nothing_deprecated"),
        (f"{HERE}/test_api.py", "test_a_version_that_is_no_longer_served_is_not_read"),
    ),
}
"""In the order of what was seen to go wrong most."""
CHECKS: Mapping[str, Tests] = {
    "APP_PROXY_UNVERIFIED_SIGNATURE": (
        (f"{HERE}/test_proxy.py", "test_a_vector_with_one_letter_changed_does_not"),
        (f"{FLOWS}/test_shopify.py", "test_what_shopify_did_not_sign_gets_none"),
    ),
    "CREDENTIAL_BROWSER_LEAKAGE, CREDENTIAL_LOG_LEAKAGE": (
        (f"{HERE}/test_auth.py", "test_a_secret_that_cannot_be_one_is_refused_unseen"),
        (f"{HERE}/test_auth.py", "test_keys_that_shopify_does_not_know_are_told_from_trouble"),
    ),
    "MISSING_TENANT_ISOLATION": (
        (f"{APP}/test_embedded.py", "test_nobody_reads_another_stores_pages"),
        (f"{APP}/test_told.py", "test_a_store_is_erased_whole_and_no_other"),
    ),
    "REQUEST_DERIVED_SHOP_SCOPE, REQUEST_CONTROLLED_ADMIN_CONTEXT": (
        (
            f"{APP}/test_embedded.py",
            "test_the_page_of_one_store_is_not_asked_for_in_the_name_of_another",
        ),
        (
            f"{APP}/test_told.py",
            "test_a_signed_body_of_one_store_is_nothing_under_the_name_of_another",
        ),
    ),
    "WEAK_SHOP_VALIDATION": (
        (f"{HERE}/test_auth.py", "test_no_other_host_passes_for_a_store"),
        (f"{HERE}/test_session.py", "test_a_store_is_named_twice_alike_and_wholly"),
    ),
    "STATIC_FRAME_ANCESTORS, MISSING_EMBEDDED_CSP": (
        (
            f"{APP}/test_embedded.py",
            "test_opening_the_app_for_the_first_time_connects_the_store",
        ),
        (f"{APP}/test_embedded.py", "test_a_store_that_is_none_is_not_let_into_the_policy"),
        (
            f"{APP}/test_embedded.py",
            "test_a_frame_is_for_the_one_store_and_other_pages_for_none",
        ),
    ),
    "CSRF": (
        (
            f"{APP}/test_embedded.py",
            "test_a_form_is_sent_and_what_was_done_is_said_without_a_cookie",
        ),
        (f"{APP}/test_install.py", "test_another_browser_does_not_end_what_this_one_began"),
    ),
    "SSRF": (
        (
            "tests/platforms/test_http.py",
            "test_a_name_that_leads_inside_is_refused_before_a_connection",
        ),
        ("tests/platforms/test_http.py", "test_redirects_are_not_followed"),
    ),
    "SCOPE_OVER_REQUEST": (
        (f"{HERE}/test_operations.py", "test_no_scope_is_asked_for_that_nothing_needs"),
    ),
    "EXPIRING_OFFLINE_TOKEN": (
        (f"{HERE}/test_auth.py", "test_each_renewal_brings_what_the_next_one_needs"),
    ),
    "MISSING_COMPLIANCE_WEBHOOKS": (
        (f"{APP}/test_told.py", "test_a_request_for_data_waits_for_the_merchant"),
        (f"{APP}/test_told.py", "test_who_is_to_be_redacted_is_erased_and_points_stay"),
        (f"{APP}/test_told.py", "test_what_nobody_signed_is_refused_whosever_it_is"),
    ),
    "EOL_API_VERSION": (
        (f"{HERE}/test_operations.py", "test_the_table_and_the_operations_are_of_one_version"),
    ),
}
"""Those of Shopify's own list that concern installing, identity, reading and webhooks."""


def tables() -> str:
    """Return both tables, as Markdown."""
    parts = [("what goes wrong", FAILURES), ("Shopify's check", CHECKS)]
    return "\n".join("\n".join(_rows(head, of)) + "\n" for head, of in parts)


def _rows(head: str, of: Mapping[str, Tests]) -> list[str]:
    return [
        f"| {head} | held by |",
        "|---|---|",
        *(f"| {name} | {', '.join(map(_named, tests)) or LATER} |" for name, tests in of.items()),
    ]


def _named(test: tuple[str, str]) -> str:
    file, name = test
    return f"`{Path(file).stem}::{name}`"


def written(text: str) -> str:
    """Return the document with the tables as they are now."""
    whole = f"{BEGIN}{tables()}{END}"
    return re.sub(f"{BEGIN}.*{END}", lambda _: whole, text, flags=re.DOTALL)


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
