"""Run by tests/contrib/django/test_projects.py, over SQLite and over PostgreSQL."""

import io
import json
import os
import sys
from unittest.mock import patch

from django import forms
from django.contrib.auth.models import User
from django.core import checks, serializers
from django.core.exceptions import FieldError, ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.db import connection, models
from django.test import TestCase, override_settings
from django.test.utils import isolate_apps
from django.views.debug import ExceptionReporter

import extcal
from extcal.contrib.django import (
    AddressFilter,
    FeedAddress,
    FeedAddressField,
    FeedAddressFormField,
    calendars,
)
from extcal.contrib.django.checks import check_settings
from extcal.testing import FakeFetcher
from people.models import Profile
from people.urls import ProfileForm

ADDRESS = "https://calendar.google.com/calendar/ical/ada%40example.org/private-5ec2e7/basic.ics"
OTHER = "https://calendar.google.com/calendar/ical/bob%40example.org/private-07he2/basic.ics"
SECRETS = ["5ec2e7", "07he2", "pa55w0rd"]


def column(profile):
    """What the database itself holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT calendar FROM people_profile WHERE id = %s", [profile.pk])
        return cursor.fetchone()[0]


class WithProfile(TestCase):
    def setUp(self):
        self.ada = Profile.objects.create(name="Ada", calendar=ADDRESS)

    def assert_hidden(self, *shown):
        for text in map(str, shown):
            for secret in SECRETS:
                self.assertNotIn(secret, text)


class TheField(WithProfile):
    def test_what_is_stored_is_encrypted_and_read_back(self):
        self.assert_hidden(column(self.ada), connection.queries)
        stored = Profile.objects.get()
        self.assertEqual(stored.calendar.feed().reveal(), ADDRESS)
        self.assertEqual(stored.calendar, self.ada.calendar)
        self.assertEqual(hash(stored.calendar), hash(self.ada.calendar))

    def test_every_way_to_show_it_is_masked(self):
        stored = Profile.objects.get().calendar
        self.assertRegex(str(stored), r"^calendar\.google\.com #[0-9a-f]{8}$")
        self.assert_hidden(repr(stored), f"{stored}", repr([stored]), repr(stored.feed()))
        self.assertEqual(repr(FeedAddress.__new__(FeedAddress)), "<FeedAddress>")

    def test_name_and_password_are_kept_with_the_address(self):
        self.ada.calendar = "https://ada:pa55w0rd@cloud.example.org/ada.ics"
        self.ada.save()
        self.assert_hidden(column(self.ada))
        feed = Profile.objects.get().calendar.feed(timezone="Europe/Berlin", owner="ada@x.org")
        self.assertEqual(feed.reveal_auth(), ("ada", "pa55w0rd"))
        self.assertEqual(feed.timezone, "Europe/Berlin")

    def test_an_address_is_sealed_when_it_is_assigned(self):
        profile = Profile(calendar=ADDRESS)
        self.assert_hidden(vars(profile))
        profile.calendar = extcal.Feed(OTHER)
        self.assertEqual(profile.calendar.feed().reveal(), OTHER)
        profile.calendar = ""
        self.assertIsNone(profile.calendar)
        with self.assertRaises(extcal.FeedUrlError):
            profile.calendar = "https://calendar.google.com/calendar/u/0/r"
        with self.assertRaises(TypeError):
            profile.calendar = 7

    def test_an_error_while_reading_it_has_no_address_in_any_frame(self):
        for options in ({"timezone": "Nowhere/There"}, {"owner": 7}, {"unknown": 1}):
            try:
                self.ada.calendar.feed(**options)
            except (TypeError, ValueError) as error:
                trace = error.__traceback__
            while trace is not None:
                self.assert_hidden(trace.tb_frame.f_locals.items())
                trace = trace.tb_next

    def test_a_wrong_value_is_in_no_frame_of_extcal(self):
        """Those of Django, and of whoever passed it, are not ours."""
        wrong = (
            lambda: Profile(calendar=ADDRESS.encode()),
            lambda: list(Profile.objects.filter(calendar=ADDRESS)),
            lambda: Profile.objects.update(calendar=f"gopher://{ADDRESS}"),
        )
        for act in wrong:
            trace = None
            try:
                act()
            except (FieldError, TypeError, ValueError) as error:
                trace = error.__traceback__
            self.assertIsNotNone(trace)
            while trace is not None:
                if trace.tb_frame.f_globals["__name__"].startswith("extcal."):
                    self.assert_hidden(trace.tb_frame.f_locals.items())
                trace = trace.tb_next

    def test_rows_without_a_calendar_are_found_and_nothing_else(self):
        nobody = Profile.objects.create(name="Nobody")
        self.assertIsNone(Profile.objects.get(pk=nobody.pk).calendar)
        self.assertEqual(list(Profile.objects.filter(calendar=None)), [nobody])
        self.assertEqual(list(Profile.objects.filter(calendar__isnull=False)), [self.ada])
        for search in ({"calendar": ADDRESS}, {"calendar__icontains": "google"}):
            with self.assertRaises(FieldError):
                list(Profile.objects.filter(**search))

    def test_bulk_ways_are_encrypted_too(self):
        Profile.objects.update(calendar=OTHER)
        self.assertEqual(Profile.objects.get().calendar.feed().reveal(), OTHER)
        (many,) = Profile.objects.bulk_create([Profile(name="M", calendar=ADDRESS)])
        self.assert_hidden(column(self.ada), column(many))
        Profile.objects.update(calendar=models.F("calendar"))
        self.assertEqual(Profile.objects.get(pk=many.pk).calendar.feed().reveal(), ADDRESS)
        self.assertEqual(
            Profile.objects.defer("calendar").get(pk=many.pk).calendar.feed().host,
            "calendar.google.com",
        )

    def test_a_dump_is_encrypted_and_loads(self):
        for kind in ("json", "xml", "python"):
            with self.subTest(kind):
                dump = serializers.serialize(kind, Profile.objects.all())
                self.assert_hidden(dump)
                (loaded,) = serializers.deserialize(kind, dump)
                loaded.save()
                self.assertEqual(Profile.objects.get().calendar.feed().reveal(), ADDRESS)

    @isolate_apps("people")
    def test_an_encrypted_column_cannot_be_unique(self):
        class Wrong(models.Model):
            calendar = FeedAddressField(unique=True)

            class Meta:
                app_label = "people"

        self.assertEqual(
            [found.id for found in Wrong._meta.get_field("calendar").check()], ["extcal.E010"]
        )


class Keys(WithProfile):
    def test_a_new_key_reads_what_the_old_one_wrote_until_it_is_gone(self):
        with override_settings(EXTCAL={"KEYS": ["new", "the key of the host"]}):
            self.assertEqual(Profile.objects.get().calendar.feed().reveal(), ADDRESS)
            out, wrong = io.StringIO(), io.StringIO()
            call_command("renew_feed_addresses", stdout=out, stderr=wrong)
            self.assertEqual(out.getvalue(), "1 addresses are encrypted with the first key\n")
            self.assertEqual(wrong.getvalue(), "")
        with override_settings(EXTCAL={"KEYS": ["new"]}):
            self.assertEqual(Profile.objects.get().calendar.feed().reveal(), ADDRESS)
        lost = Profile.objects.get().calendar
        self.assertEqual(str(lost), "an address that cannot be read")
        with self.assertRaisesMessage(ImproperlyConfigured, "removed too early"):
            lost.feed()

    def test_what_no_key_opens_is_kept(self):
        before = column(self.ada)
        with override_settings(EXTCAL={"KEYS": ["another"]}):
            wrong = io.StringIO()
            call_command("renew_feed_addresses", stdout=io.StringIO(), stderr=wrong)
            self.assertIn("1 addresses could not be read", wrong.getvalue())
            profile = Profile.objects.get()
            self.assertEqual(profile.calendar, Profile.objects.get().calendar)
            profile.name = "Ada L."
            profile.save()
        self.assertEqual(column(self.ada), before)

    def test_a_change_during_the_renewal_wins(self):
        field = Profile._meta.get_field("calendar")
        renewed = FeedAddress.renewed

        def meanwhile(address):
            Profile.objects.update(calendar=OTHER)
            return renewed(address)

        with patch.object(FeedAddress, "renewed", meanwhile):
            call_command("renew_feed_addresses", stdout=io.StringIO())
        self.assertEqual(field.value_from_object(Profile.objects.get()).feed().reveal(), OTHER)


class TheForm(WithProfile):
    def send(self, **data):
        return ProfileForm({"name": "Ada", **data}, instance=self.ada)

    def saved(self, **data):
        form = self.send(**data)
        self.assertTrue(form.is_valid(), form.errors)
        form.save()
        return Profile.objects.get().calendar

    def test_an_empty_text_keeps_the_calendar(self):
        for empty in ({}, {"calendar": ""}, {"calendar": "  "}):
            self.assertEqual(self.saved(**empty).feed().reveal(), ADDRESS)
            self.assertNotIn("calendar", self.send(**empty).changed_data)

    def test_only_the_box_removes_it(self):
        self.assertIn("calendar", self.send(**{"calendar-remove": "on"}).changed_data)
        self.assertIsNone(self.saved(**{"calendar": "", "calendar-remove": "on"}))

    def test_a_pasted_address_replaces_it(self):
        self.assertEqual(self.saved(calendar=f" <{OTHER}> ").feed().reveal(), OTHER)

    def test_both_at_once_are_refused(self):
        form = self.send(**{"calendar": OTHER, "calendar-remove": "on"})
        self.assertEqual(form.errors.get_json_data()["calendar"][0]["code"], "contradiction")

    def test_a_refusal_is_one_error_of_its_kind_with_advice(self):
        for pasted, code, words in [
            ("https://calendar.google.com/calendar/u/0/r", "page", "Secret address in iCal"),
            ("https://10.0.0.1/07he2.ics", "ip-literal", "full name"),
            ("07he2@example.org", "e-mail", "Look in"),
            ("https://ada@cloud.example.org/07he2.ics", "userinfo", "password"),
        ]:
            with self.subTest(pasted):
                form = self.send(calendar=pasted)
                (error,) = form.errors.get_json_data()["calendar"]
                self.assertIn(words, error["message"])
                self.assertEqual(error["code"], code)
                self.assert_hidden(form.as_p(), error)
                self.assertEqual(Profile.objects.get().calendar.feed().reveal(), ADDRESS)

    def test_no_form_shows_an_address(self):
        for form in (ProfileForm(instance=self.ada), self.send(calendar=OTHER, name="")):
            page = form.as_div()
            self.assert_hidden(page)
            self.assertIn("calendar.google.com #", page)
            self.assertIn('name="calendar-remove"', page)
            self.assertIn("Secret address in iCal format", page)
            self.assertNotIn('value="http', page)

    def test_a_field_that_is_required_is_content_with_the_present_calendar(self):
        class Form(forms.Form):
            calendar = FeedAddressFormField()

        self.assertFalse(Form({"calendar": ""}).is_valid())
        kept = Form({"calendar": ""}, initial={"calendar": self.ada.calendar})
        self.assertTrue(kept.is_valid())
        self.assertEqual(kept.cleaned_data["calendar"], self.ada.calendar)
        self.assertNotIn("remove", kept.as_p())
        self.assertNotIn("required", str(kept["calendar"]))

    def test_a_disabled_field_keeps_its_value(self):
        class Form(forms.Form):
            calendar = FeedAddressFormField(disabled=True)

        form = Form({"calendar": OTHER}, initial={"calendar": self.ada.calendar})
        self.assertTrue(form.is_valid())
        self.assertEqual(form.cleaned_data["calendar"].feed().reveal(), ADDRESS)

    def test_a_policy_of_the_host_decides(self):
        class Form(forms.Form):
            calendar = FeedAddressFormField(policy=extcal.UrlPolicy(allow_networks=["10.0.0.0/8"]))

        self.assertTrue(Form({"calendar": "http://10.0.0.1/ada.ics"}).is_valid())


class Pages(WithProfile):
    def setUp(self):
        super().setUp()
        self.client.force_login(User.objects.create_superuser("root"))

    def test_the_admin_shows_no_address(self):
        pages = [
            self.client.get("/admin/people/profile/"),
            self.client.get(f"/admin/people/profile/{self.ada.pk}/change/"),
            self.client.post(
                f"/admin/people/profile/{self.ada.pk}/change/",
                {"name": "Ada", "calendar": OTHER},
                follow=True,
            ),
            self.client.get(f"/admin/people/profile/{self.ada.pk}/history/"),
            self.client.get(f"/admin/people/profile/{self.ada.pk}/delete/"),
        ]
        for page in pages:
            self.assertEqual(page.status_code, 200)
            self.assert_hidden(page.content.decode())
        self.assertContains(pages[0], "calendar.google.com #")
        self.assertEqual(Profile.objects.get().calendar.feed().reveal(), OTHER)

    def test_error_pages_show_no_address(self):
        self.client.raise_request_exception = False
        for debug in (False, True):
            with self.subTest(debug=debug), override_settings(DEBUG=debug):
                with self.assertLogs("django.request", "ERROR") as logs:
                    page = self.client.post(
                        f"/{self.ada.pk}/", {"name": "fails", "calendar": OTHER}
                    )
                self.assertEqual(page.status_code, 500)
                self.assert_hidden(page.content.decode(), logs.output)
                error = logs.records[0].exc_info
                mail = ExceptionReporter(logs.records[0].request, *error, is_email=True)
                self.assert_hidden(mail.get_traceback_html(), mail.get_traceback_text())
                self.assertIn("https://...", mail.get_traceback_text())

    def test_without_the_filter_a_check_says_so(self):
        self.assertEqual(check_settings(), [])
        plain = "django.views.debug.SafeExceptionReporterFilter"
        with override_settings(DEFAULT_EXCEPTION_REPORTER_FILTER=plain):
            self.assertEqual([found.id for found in check_settings()], ["extcal.W001"])
        self.assertTrue(issubclass(AddressFilter, object))

    def test_wrong_settings_are_found_before_the_first_request(self):
        for wrong, code in [
            ({"KEYS": []}, "extcal.E001"),
            ({"KEYS": "text"}, "extcal.E001"),
            ({"KEYS": [""]}, "extcal.E001"),
            ("text", "extcal.E001"),
            ({"KEY": ["x"]}, "extcal.E002"),
            ({"CACHE": "people.nothing"}, "extcal.E003"),
            ({"CACHE": 7}, "extcal.E003"),
        ]:
            with self.subTest(wrong), override_settings(EXTCAL=wrong):
                self.assertEqual(
                    [found.id for found in checks.run_checks() if found.id.startswith("extcal")],
                    [code],
                )


def make():
    return extcal.CalendarCache(fetcher=FakeFetcher({}))


class TheCache(TestCase):
    def setUp(self):
        calendars.cache_clear()
        self.addCleanup(calendars.cache_clear)

    def test_one_cache_a_process(self):
        self.assertIs(calendars(), calendars())
        if hasattr(os, "fork"):
            mine = id(calendars())
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                os.write(write, json.dumps(id(calendars()) != mine).encode())
                os._exit(0)
            os.close(write)
            os.waitpid(child, 0)
            self.assertEqual(os.read(read, 10), b"true")
            os.close(read)

    def test_the_setting_makes_it(self):
        with override_settings(EXTCAL={"CACHE": "people.tests.make"}):
            self.assertIsInstance(calendars(), extcal.CalendarCache)
        calendars.cache_clear()
        with override_settings(EXTCAL={"CACHE": "builtins.dict"}):
            with self.assertRaises(ImproperlyConfigured):
                calendars()

    def test_nothing_is_made_before_it_is_needed(self):
        self.assertNotIn("redis", sys.modules)
        with override_settings(EXTCAL={"STORE": "redis://127.0.0.1:1/0"}):
            self.assertEqual(calendars.cache_info().currsize, 0)


class Refusals(TestCase):
    def test_a_model_that_is_cleaned_tells_the_kind(self):
        with self.assertRaises(ValidationError) as refused:
            Profile._meta.get_field("calendar").to_python(
                "https://calendar.google.com/calendar/embed"
            )
        self.assertIn("Secret address", refused.exception.message)
