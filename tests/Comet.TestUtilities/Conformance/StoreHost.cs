using System.Text.Json;
using Comet.AspNetCore;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Comet.TestUtilities.Conformance;

/// <summary>One server: a running app with a store.</summary>
public sealed class StoreHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StoreHost(WebApplication app) => _app = app;

    public IFeedStore Store => Services.GetRequiredService<IFeedStore>();

    public IServiceProvider Services => _app.Services;

    /// <summary>Where it listens.</summary>
    public Uri Url => new(_app.Urls.Single());

    public static async Task<StoreHost> StartAsync(Action<WebApplicationBuilder> configure, Action<WebApplication>? map = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddComet();
        configure(builder);
        var app = builder.Build();
        map?.Invoke(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new StoreHost(app);
    }

    /// <summary>The reason why the app is not ready; null: it is ready.</summary>
    public async Task<string?> UnreadinessAsync()
    {
        var report = await Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(
            check => check.Tags.Contains("ready"), TestContext.Current.CancellationToken);
        return report.Entries.Values.FirstOrDefault(entry => entry.Status != HealthStatus.Healthy).Description;
    }

    /// <summary>A feed of text that is not registered.</summary>
    public Feed<string> Feed(string name, FeedOptions options) =>
        new(
            FeedName.Parse(name),
            new SingletonFeedHandle(Services.GetRequiredService<FeedRegistry>(), FeedName.Parse(name), options),
            JsonSerializerOptions.Web);

    /// <summary>A family of feeds of text that is not registered.</summary>
    public KeyedFeeds<string> Feeds(string family, FeedOptions options) =>
        new(family, Services.GetRequiredService<FeedRegistry>(), options, JsonSerializerOptions.Web);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(TestContext.Current.CancellationToken);
        await _app.DisposeAsync();
    }
}
