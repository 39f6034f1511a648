using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Options;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Hosting;

/// <summary>Says once, at start, how each feed is set, and which settings have no effect.</summary>
internal sealed class StartupMessages(
    IConfiguration configuration,
    IEnumerable<SettingsSection> sections,
    IEnumerable<FeedRegistration> feeds,
    IOptionsMonitor<FeedOptions> options,
    IOptions<CometOptions> comet,
    IServiceProvider services,
    ILogger<StartupMessages> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var feed in feeds)
        {
            // Resolved only for a feed that uses it: a store may open files or connections when it is made.
            var set = options.Get(feed.Name);
            CometLog.FeedSettings(
                logger,
                feed.IsFamily ? "Family of feeds" : "Feed",
                feed.Name,
                set.InMemory ? nameof(MemoryStore) : services.GetRequiredService<IFeedStore>().GetType().Name,
                set.Retain,
                set.RetainBytes,
                set.RetainFor,
                set.WhenSlow,
                set.InMemory,
                set.AuthorizationPolicy ?? "none");
        }
        if (comet.Value is { MaxStreams: { } inAll, MaxStreamsPerAddress: { } perAddress } && perAddress >= inAll)
        {
            CometLog.OneAddressTakesAll(logger, perAddress, inAll);
        }
        WarnOfUnread(configuration.GetSection("Comet"));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void WarnOfUnread(IConfigurationSection at)
    {
        var section = sections.FirstOrDefault(section => IsAt(section, at));
        foreach (var key in at.GetChildren())
        {
            if (sections.Any(section => IsAt(section, key) || IsWithin(section, key)))
            {
                WarnOfUnread(key);
            }
            else
            {
                foreach (var unread in section?.Has(key.Key) == true ? key.GetChildren() : [key])
                {
                    CometLog.KeyUnread(logger, unread.Path, at.Path, string.Join(", ", NamesIn(at, section)));
                }
            }
        }
    }

    // The section's own settings, and the sections below it.
    private IEnumerable<string> NamesIn(IConfigurationSection at, SettingsSection? section) =>
        sections.Where(section => IsWithin(section, at)).Select(section => section.Path[(at.Path.Length + 1)..].Split(':')[0])
            .Concat(section?.Names ?? [])
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Order(StringComparer.OrdinalIgnoreCase);

    private static bool IsAt(SettingsSection section, IConfigurationSection at) =>
        section.Path.Equals(at.Path, StringComparison.OrdinalIgnoreCase);

    private static bool IsWithin(SettingsSection section, IConfigurationSection at) =>
        section.Path.StartsWith(at.Path + ":", StringComparison.OrdinalIgnoreCase);
}
