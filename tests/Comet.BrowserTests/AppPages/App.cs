using Comet.AspNetCore;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using CometApp.Models;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Comet.BrowserTests.AppPages;

/// <summary>The app of the template.</summary>
public sealed class App : KestrelApplicationFactory<Program>
{
    private readonly Action<IServiceCollection>? _configure;

    /// <summary>As it is when users run it.</summary>
    public App()
    {
    }

    /// <summary>With some services replaced.</summary>
    internal App(Action<IServiceCollection> configure) => _configure = configure;

    internal async Task AnnounceAsync(string text) =>
        await Services.GetRequiredService<Feed<Announcement>>().PublishAsync(new Announcement(text, DateTimeOffset.UnixEpoch));

    protected override void ConfigureWebHost(IWebHostBuilder builder) => builder.ConfigureTestServices(services =>
    {
        // Pages are the same over every store; these histories are apart from each other and from the app's.
        services.Replace(ServiceDescriptor.Singleton<IFeedStore, MemoryStore>());
        _configure?.Invoke(services);
    });
}
