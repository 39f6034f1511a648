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
        var app = await package.CreateAppAsync("Small", "--no-tests");
        await app.ReplaceAsync("Program.cs", "var app = builder.Build();",
            "builder.Services.AddOutputCache(options => options.AddBasePolicy(policy => policy.Expire(TimeSpan.FromMinutes(1))));\n" +
            "var app = builder.Build();");
        await app.ReplaceAsync("Program.cs", "app.UseRouting();", "app.UseRouting();\napp.UseOutputCache();");
        await app.ReplaceAsync("Controllers/ClockController.cs", "    [HttpGet(\"stream\")",
            "    [HttpGet(\"cached\"), Microsoft.AspNetCore.OutputCaching.OutputCache(Duration = 60)]\n" +
            "    public string Cached() => Guid.NewGuid().ToString();\n\n    [HttpGet(\"stream\")");
        await app.BuildAsync();
        await using var running = await RunningApp.StartAsync(app);

        await Task.WhenAll(running.AssertStreamsAsync(), running.AssertStreamsAsync());
        foreach (var path in new[] { "/", "/clock", "/vitals", "/announcements" })
        {
            using var first = await running.Client.GetAsync(path);
            using var second = await running.Client.GetAsync(path);
            Assert.Null(second.Headers.Age);
            Assert.NotEqual(PolicyOf(first), PolicyOf(second));
            Assert.Equal((path, "no-cache, private"), (path, first.Headers.CacheControl?.ToString()));
        }
        Assert.Equal(await running.Client.GetStringAsync("/clock/cached"), await running.Client.GetStringAsync("/clock/cached"));
    }

    private static string PolicyOf(HttpResponseMessage response) => response.Headers.GetValues("Content-Security-Policy").Single();
}
