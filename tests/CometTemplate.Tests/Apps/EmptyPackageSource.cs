using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CometTemplate.Tests.Apps;

/// <summary>A source of NuGet packages, over HTTP, that has none.</summary>
internal sealed class EmptyPackageSource : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _requests;

    private EmptyPackageSource()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.Use((context, next) =>
        {
            Interlocked.Increment(ref _requests);
            return next(context);
        });
        _app.MapGet("/index.json", () => TypedResults.Text($$"""
            { "version": "3.0.0", "resources": [{ "@id": "{{Url}}/packages/", "@type": "PackageBaseAddress/3.0.0" }] }
            """, "application/json"));
    }

    internal string Url => _app.Urls.Single();

    /// <summary>How often it was asked for anything.</summary>
    internal int Requests => Volatile.Read(ref _requests);

    internal static async Task<EmptyPackageSource> StartAsync()
    {
        var source = new EmptyPackageSource();
        await source._app.StartAsync();
        return source;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
