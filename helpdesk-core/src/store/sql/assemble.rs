//! What rows of several tables make together.

use std::sync::Arc;

use crate::approval::template::Templates;
use crate::approval::{PublishedTemplate, TemplateDefinition};
use crate::board::Board;
use crate::config::TenantConfig;
use crate::org::{Group, Installation, Project, Tenant};
use crate::role::CustomRole;
use crate::store::StoreError;
use crate::ticket::Tag;
use crate::workflow::check::Shelf;
use crate::workflow::{Definition, Published};

/// Everything a configuration is made of.
pub(crate) struct ConfigRows {
    pub(crate) epoch: i64,
    pub(crate) tenant: Tenant,
    pub(crate) projects: Vec<Project>,
    pub(crate) groups: Vec<Group>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) workflows: Vec<Published>,
    pub(crate) templates: Vec<PublishedTemplate>,
    pub(crate) roles: Vec<CustomRole>,
    pub(crate) boards: Vec<Board>,
    pub(crate) plugins: Vec<Installation>,
}

/// The configuration; a stored workflow that no longer passes its check is a defect.
pub(crate) fn config(rows: ConfigRows) -> Result<TenantConfig, StoreError> {
    let mut workflows = Shelf::default();
    for published in rows.workflows {
        let workflow =
            Definition::from_json(&published.definition).and_then(|definition| definition.publish(published.version));
        let workflow = workflow.map_err(|error| {
            StoreError::Defect(format!("workflow {}@{}: {error}", published.key, published.version))
        })?;
        workflows.put(Arc::new(workflow));
    }
    let mut templates = Templates::default();
    for published in rows.templates {
        let template = TemplateDefinition::from_json(&published.definition)
            .and_then(|definition| definition.publish(published.version));
        let template = template.map_err(|error| {
            StoreError::Defect(format!("template {}@{}: {error}", published.key, published.version))
        })?;
        templates.put(Arc::new(template));
    }
    Ok(TenantConfig {
        epoch: rows.epoch,
        tenant: rows.tenant,
        projects: rows.projects.into_iter().map(|project| (project.id, project)).collect(),
        groups: rows.groups.into_iter().map(|group| (group.id, group)).collect(),
        tags: rows.tags.into_iter().map(|tag| (tag.id, tag)).collect(),
        workflows,
        templates,
        roles: rows.roles.into_iter().map(|role| (role.key.clone(), role)).collect(),
        boards: rows.boards.into_iter().map(|board| (board.id, Arc::new(board))).collect(),
        plugins: rows.plugins.into_iter().map(|plugin| (plugin.plugin.clone(), Arc::new(plugin))).collect(),
    })
}
