from django.db import models

from extcal.contrib.django import FeedAddressField


class Profile(models.Model):
    name = models.CharField(max_length=40)
    calendar = FeedAddressField()

    def __str__(self) -> str:
        return self.name
