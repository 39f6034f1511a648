using Comet.AspNetCore;
using CometApp.Feeds;
using CometApp.Models;

[assembly: HostingStartup(typeof(SamplesStartup))]

namespace CometApp.Feeds;

/// <summary>Registers the feed when the app starts, so that Program.cs stays as it is.</summary>
public sealed class SamplesStartup : IHostingStartup
{
    public void Configure(IWebHostBuilder builder) => builder.ConfigureServices(services =>
    {
        services.AddFeed<SamplesMessage>("samples");
        services.AddHostedService<SamplesSource>();
    });
}
