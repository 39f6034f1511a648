using Comet.AspNetCore;
using Comet.AspNetCore.Stores;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Comet.BrowserTests.Hosting;

/// <summary>The app on a real Kestrel, on a port of its own, with the pages and streams in this folder added.</summary>
public sealed class App : WebApplicationFactory<Program>
{
    private readonly Action<IServiceCollection>? _configure;

    /// <summary>As it is when users run it.</summary>
    public App()
        : this(null)
    {
    }

    /// <summary>With some services replaced.</summary>
    internal App(Action<IServiceCollection>? configure)
    {
        _configure = configure;
        UseKestrel();
        StartServer();
        Url = ClientOptions.BaseAddress.ToString().TrimEnd('/');
    }

    /// <summary>Without a slash at the end.</summary>
    internal string Url { get; }

    /// <summary>How many streams the app is sending.</summary>
    internal int OpenStreams() => Services.GetRequiredService<OpenStreams>().Count;

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("Logging:LogLevel:Default", "Warning");
        // Given to UseKestrel, a port is set when the server may already have started.
        builder.UseUrls("http://127.0.0.1:0");
        builder.ConfigureTestServices(services =>
        {
            services.AddControllers().AddApplicationPart(typeof(App).Assembly);
            // Pages are the same over every store; these histories are apart from each other and from the app's.
            services.Replace(ServiceDescriptor.Singleton<IFeedStore, MemoryStore>());
            _configure?.Invoke(services);
        });
    }
}
