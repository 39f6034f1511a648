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
    /// Keeps the log of every feed in the SQLite file that <c>ConnectionStrings:Comet</c> names, <c>Data Source=comet.db</c> if nothing
    /// does; a relative path begins at the content root. After a restart, clients resume as if nothing had happened. The file belongs to
    /// one process at a time. While it cannot be used, publishing fails with <see cref="FeedUnavailableException"/> and the health check
    /// <c>comet-store</c>, tagged <c>ready</c>, says why.
    /// </summary>
    /// <param name="services">The app's services; <see cref="CometServiceCollectionExtensions.AddComet"/> is called as well.</param>
    /// <returns>The same services. A connection string that names no file, or waits for a locked one without end, is reported when the app starts.</returns>
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
