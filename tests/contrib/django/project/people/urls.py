from django import forms
from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from people.models import Profile


class ProfileForm(forms.ModelForm):
    class Meta:
        model = Profile
        fields = ["name", "calendar"]


def edit(request, pk):
    profile = get_object_or_404(Profile, pk=pk)
    form = ProfileForm(request.POST or None, instance=profile)
    if request.method == "POST" and form.is_valid():
        form.save()
        if request.POST["name"] == "fails":
            pasted = request.POST["calendar"]
            raise RuntimeError(f"after {len(pasted)} characters")
        return HttpResponse("saved")
    return HttpResponse(form.as_div())


urlpatterns = [path("admin/", admin.site.urls), path("<int:pk>/", edit)]
