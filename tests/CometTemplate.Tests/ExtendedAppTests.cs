using System.Net;
using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>What owners add to an app takes nothing from its pages and streams.</summary>
[Trait("Category", "Matrix")]
public class ExtendedAppTests(TemplatePackage package)
{
    [Fact]
    public async Task Output_caching_by_a_base_policy_leaves_pages_and_streams_alone_and_caches_what_asks_for_it()
    {
        await using var running = await ExtendedApp.StartAsync(package);

        await Task.WhenAll(running.AssertStreamsAsync(), running.AssertStreamsAsync());
        foreach (var path in new[] { "/", "/clock", "/vitals", "/announcements" })
        {
            using var first = await running.Client.GetAsync(path);
            using var second = await running.Client.GetAsync(path);
            Assert.Null(second.Headers.Age);
            Assert.NotEqual(PolicyOf(first), PolicyOf(second));
            Assert.Equal((path, "no-cache, private"), (path, first.Headers.CacheControl?.ToString()));
        }
        using (var first = await running.Client.GetAsync("/nothing"))
        using (var second = await running.Client.GetAsync("/nothing"))
        {
            Assert.Equal((HttpStatusCode.NotFound, null), (second.StatusCode, second.Headers.Age));
            Assert.NotEqual(PolicyOf(first), PolicyOf(second));
        }
        foreach (var path in new[] { "/health/live", "/health/ready", "/_comet" })
        {
            using var first = await running.Client.GetAsync(path);
            using var second = await running.Client.GetAsync(path);
            Assert.Null(second.Headers.Age);
        }
        Assert.Equal(await running.Client.GetStringAsync("/clock/cached"), await running.Client.GetStringAsync("/clock/cached"));
    }

    [Fact]
    public async Task Who_posts_to_a_keyed_feed_too_often_is_told()
    {
        await using var running = await ExtendedApp.StartAsync(package);
        var statuses = new List<HttpStatusCode>();

        while (statuses.Count < 40 && !statuses.Contains(HttpStatusCode.TooManyRequests))
        {
            using var response = await running.Client.PostAsync("/rooms/red", new FormUrlEncodedContent([]));
            statuses.Add(response.StatusCode);
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, statuses[^1]);
        Assert.All(statuses[..^1], status => Assert.Equal(HttpStatusCode.BadRequest, status));
    }

    [Fact]
    public async Task An_action_that_is_added_takes_no_form_without_its_token_and_need_not_say_so()
    {
        await using var running = await ExtendedApp.StartAsync(package);

        using var forged = await running.Client.PostAsync("/added", new FormUrlEncodedContent([]));
        using var own = await running.SubmitAsync("/announcements", "/added", "");

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (forged.StatusCode, own.StatusCode));
    }

    private static string PolicyOf(HttpResponseMessage response) => response.Headers.GetValues("Content-Security-Policy").Single();
}
