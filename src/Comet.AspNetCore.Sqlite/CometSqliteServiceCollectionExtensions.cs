using Comet.AspNetCore.Sqlite;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore;

/// <summary>Registers the store that keeps feeds in a SQLite file.</summary>
public static class CometSqliteServiceCollectionExtensions
{
    /// <summary>
    /// Keeps the logs of all feeds in one SQLite file, so that clients resume after a restart as if nothing had happened. The connection
    /// string <c>Comet</c> (<c>ConnectionStrings:Comet</c>) names the file; a relative path begins at the content root. Default:
    /// <c>Data Source=comet.db</c>. Its <c>Default Timeout</c>, in seconds, is the wait for a file that another program has locked:
    /// 1 or more, 5 by default.
    /// </summary>
    /// <remarks>
    /// The file belongs to one process at a time, and to a local disk. Beside it are <c>-wal</c>, <c>-shm</c> and <c>-lock</c> files. While
    /// the file cannot be used, publishing fails with <see cref="FeedUnavailableException"/>, and so does the health check
    /// <c>comet-store</c>, tagged <c>ready</c>; both say why. May be called more than once.
    /// </remarks>
    /// <param name="services">The app's services; <see cref="CometServiceCollectionExtensions.AddComet"/> is called as well.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    /// <exception cref="OptionsValidationException">
    /// When the app starts, not here: the connection string names no file that can be written, or has a <c>Default Timeout</c> of 0.
    /// </exception>
    public static IServiceCollection AddCometSqlite(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddComet();
        if (services.Any(service => service.ServiceType == typeof(SqliteStore)))
        {
            return services;
        }
        services.AddOptions<SqliteStoreOptions>()
            .Configure<IConfiguration>((options, configuration) =>
                options.ConnectionString = configuration.GetConnectionString("Comet") ?? options.ConnectionString)
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<SqliteStoreOptions>, SqliteStoreOptionsValidator>();
        services.AddSingleton<SqliteStore>();
        services.Replace(ServiceDescriptor.Singleton<IFeedStore>(provider => provider.GetRequiredService<SqliteStore>()));
        services.AddHealthChecks().AddCheck<SqliteHealthCheck>("comet-store", tags: ["ready"]);
        return services;
    }
}
